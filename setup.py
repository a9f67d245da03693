"""Everything about the package is said in pyproject.toml; here notebooks and parameters join it."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
PATTERNS = ("notebooks/*.ipynb", "parameters/*/*.yaml")
"""Files at the top of the repository that an installed package has in ``lth_utils/project``."""


class BuildWithProject(build_py):
    """Build the package, and copy the project's files into it unless the install is editable."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        project = Path(self.build_lib) / "lth_utils" / "project"
        shutil.rmtree(project, ignore_errors=True)
        for pattern in PATTERNS:
            for file in ROOT.glob(pattern):
                target = project / file.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)


setup(cmdclass={"build_py": BuildWithProject})
