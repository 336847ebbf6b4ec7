"""``migrate comment``: what it says, and how it finds the one it wrote before."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from retable.runner.cli.comment import comment
from retable.runner.cli.lint import lint
from retable.runner.comment.body import MAX_BYTES, comment_body
from retable.runner.failure import Refused, Stopped
from support.checkout import ROOT
from support.small_specs import bad_expression_spec

REPORTS = sorted((ROOT / "tests" / "cases" / "report").glob("*/report.json"))
SECRET = "t0ken"  # noqa: S105 -- made up


def run(*arguments: str, **environ: str | None) -> Result:
    clean = {"GITHUB_ACTIONS": None, "GITLAB_CI": None}
    return CliRunner().invoke(comment, arguments, env={**clean, **environ})


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parent.name)
def test_every_report_becomes_a_comment_without_a_key_or_a_value(path: Path) -> None:
    document = json.loads(path.read_bytes())
    body = comment_body([path], "migrate")
    assert body.startswith("<!-- migrate: migrate -->\n\n### ")
    assert document["verdict"] in body.splitlines()[2]
    for row in document["first_differences"]:
        for typed in row["key"].values():
            assert str(next(iter(typed.values()))) not in body.split("|")


def test_findings_are_listed_errors_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.migrate.yaml").write_text(bad_expression_spec())
    found = CliRunner().invoke(lint, ["--format", "json"]).stdout
    (tmp_path / "lint.json").write_text(found)
    assert run("lint.json").output.splitlines() == [
        "<!-- migrate: migrate -->",
        "",
        "### ❌ Findings: 1 spec, 1 error, 0 warnings",
        "",
        "|  | place | rule | finding |",
        "| --- | --- | --- | --- |",
        "| error | a.migrate.yaml:10:18 | MIG402 unknown-function | there is no function lowre() |",
    ]


def test_a_comment_that_would_be_too_long_says_that_it_was_cut(tmp_path: Path) -> None:
    paths = []
    for number in range(40):
        changes = [
            {"sign": "~", "thing": f"{number} " + "&" * 900, "detail": "", "weight": "words"}
            for _ in range(60)
        ]
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps({"format_version": 1, "changes": changes}))
    body = comment_body(paths, "migrate")
    assert len(body.encode()) < MAX_BYTES + 100
    assert body.splitlines()[-1].startswith("Truncated here: 60,000 of ")


@pytest.mark.parametrize("text", ["{", "[]", '{"format_version": 2}', '{"format_version": 1}'])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert isinstance(run(str(tmp_path / "a.json")).exception, Refused)
    assert isinstance(run(str(tmp_path / "nowhere.json")).exception, Refused)


class Pull:
    """A pull request on a server of this machine: its comments, and who asked with what."""

    def __init__(self, comments: list[dict[str, Any]]) -> None:
        self.comments = comments
        self.asked: list[tuple[str, str, str | None]] = []
        self.answer = 200

    def handle(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        token = handler.headers["Authorization"] or handler.headers["PRIVATE-TOKEN"]
        self.asked.append((method, handler.path, token))
        length = int(handler.headers["Content-Length"] or 0)
        body = json.loads(handler.rfile.read(length) or b"{}")
        found: Any = {}
        if method == "GET":
            page = int(handler.path.rpartition("page=")[2])
            found = self.comments[(page - 1) * 100 : page * 100]
        elif method == "POST":
            self.comments.append({"id": len(self.comments) + 1, **body})
        else:
            number = int(handler.path.rpartition("/")[2])
            next(one for one in self.comments if one["id"] == number).update(body)
        handler.send_response(self.answer)
        handler.send_header("Location", "http://127.0.0.1:1/")
        handler.end_headers()
        handler.wfile.write(json.dumps(found).encode())


@contextmanager
def serving(pull: Pull) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pull.handle(self, "GET")

        def do_POST(self) -> None:
            pull.handle(self, "POST")

        def do_PATCH(self) -> None:
            pull.handle(self, "PATCH")

        def do_PUT(self) -> None:
            pull.handle(self, "PUT")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def github(folder: Path, address: str) -> dict[str, str | None]:
    (folder / "event.json").write_text('{"pull_request": {"number": 7}}')
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": address,
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_REPOSITORY": "acme/tables",
        "GITHUB_TOKEN": SECRET,
    }


def test_a_comment_is_created_once_and_then_overwritten(tmp_path: Path) -> None:
    others = [{"id": number, "body": f"<!-- other --> {number}"} for number in range(1, 151)]
    pull = Pull(others)
    with serving(pull) as address:
        environ = github(tmp_path, address)
        first = run(str(REPORTS[0]), "--post", **environ)
        assert (first.exit_code, first.stderr) == (0, "comment created\n")
        second = run(str(REPORTS[1]), "--post", **environ)
        assert second.stderr == "comment updated\n"
        assert run(str(REPORTS[1]), "--post", "--marker", "b", **environ).stderr == (
            "comment created\n"
        )
    assert len(pull.comments) == 152
    assert pull.comments[150]["body"] == comment_body([REPORTS[1]], "migrate")
    assert ("PATCH", "/repos/acme/tables/issues/comments/151", f"Bearer {SECRET}") in pull.asked
    assert pull.asked[0][1] == "/repos/acme/tables/issues/7/comments?per_page=100&page=1"


def test_a_note_on_a_merge_request_is_kept_up_to_date_too() -> None:
    pull = Pull([])
    with serving(pull) as address:
        environ = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{address}/api/v4",
            "CI_PROJECT_ID": "12",
            "CI_MERGE_REQUEST_IID": "7",
            "GITLAB_TOKEN": SECRET,
        }
        assert run(str(REPORTS[0]), "--post", **environ).stderr == "comment created\n"
        assert run(str(REPORTS[0]), "--post", **environ).stderr == "comment updated\n"
    assert pull.asked[-1] == ("PUT", "/api/v4/projects/12/merge_requests/7/notes/1", SECRET)


@pytest.mark.parametrize("answer", [302, 401, 403, 500])
def test_a_refusal_is_reported_without_the_token_which_follows_no_redirect(
    tmp_path: Path, answer: int
) -> None:
    pull = Pull([])
    pull.answer = answer
    with serving(pull) as address:
        error = run(str(REPORTS[0]), "--post", **github(tmp_path, address)).exception
    assert isinstance(error, Stopped)
    assert error.message == f"127.0.0.1 answered {answer} to GET"
    assert SECRET not in str(error)


def test_without_a_pull_request_a_token_or_https_no_request_is_sent(tmp_path: Path) -> None:
    environ = github(tmp_path, "http://example.org")
    cases: tuple[dict[str, str | None], ...] = (
        {},
        {**environ, "GITHUB_TOKEN": ""},
        {**environ, "GITHUB_EVENT_PATH": "nowhere"},
        environ,
        {"GITLAB_CI": "true"},
    )
    for case in cases:
        assert isinstance(run(str(REPORTS[0]), "--post", **case).exception, Refused)
