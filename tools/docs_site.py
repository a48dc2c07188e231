"""What MkDocs does beyond mkdocs.yml: files from outside docs/ become part of the site, and links fit the site.

The pages are written for people who read them in the repository, too. There, links lead to any file; in the site, those
to files that it does not have become plain text.
"""

import posixpath
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from har_core.config import PROJECT_ROOT

# Path in the repository → in the site.
_SAME = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "THIRD_PARTY_NOTICES.md", "data/README.md")
_PAGES = {path: path for path in _SAME}
_OTHERS = {"LICENSE": "LICENSE.md", "har_ui/assets/mark.png": "images/mark.png"}
_OUTSIDE = _PAGES | _OTHERS
# Code is taken first, so that no link is seen in it.
_CODE = r"^```.*?^```$|`[^`\n]+`"
_LINK = re.compile(rf"(?P<code>{_CODE})|\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the files from outside docs/."""
    for path, place in _OUTSIDE.items():
        if path == "LICENSE":
            text = (PROJECT_ROOT / path).read_text("utf-8")
            files.append(File.generated(config, place, content=f"# Licence\n\n```text\n{text}```\n"))
        else:
            files.append(File.generated(config, place, abs_src_path=str(PROJECT_ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Makes links that lead out of docs/, or come from outside it, fit the site."""
    del config
    here = page.file.src_uri
    origin = here if here in _PAGES else f"docs/{here}"

    def fitted(match: re.Match[str]) -> str:
        if match["code"] is not None or re.match(r"[a-z]+:|#", match["target"]):
            return match[0]
        path, mark, anchor = match["target"].partition("#")
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))
        place = _OUTSIDE.get(wanted) or wanted.removeprefix("docs/")
        if (place == wanted and wanted not in _OUTSIDE) or files.get_file_from_path(place) is None:
            return match["text"]
        return f"[{match['text']}]({posixpath.relpath(place, posixpath.dirname(here) or '.')}{mark}{anchor})"

    return _LINK.sub(fitted, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Names the theme's search for screen readers: it is a dialog without a name."""
    del page, config
    return output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )
