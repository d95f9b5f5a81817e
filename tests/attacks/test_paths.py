"""No name of a file, and no path in an address, leads out of where it belongs."""

import io
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client

from history.models import K6Report
from loadtests.dashboards import views
from loadtests.dashboards.tickets import make_ticket
from loadtests.runners import Door
from loadtests.tests.test_dashboards import FakeRunner
from projects.models import DataFile, OpenApiSpec
from tests.access.page_bodies import DOCUMENT
from tests.access.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
OUT = ("../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..\\..\\etc\\passwd",
       "/etc/passwd", "//etc/passwd", "....//....//etc/passwd", "ui/../../v1/status", "ui/%2e%2e/v1/status",
       "ui/..;/v1/status", "v1/status", "ui/\x00", "report/../v1/metrics")  # fmt: skip


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.people["alice"])
    return client


@pytest.mark.parametrize("guarded", [True, False])
def test_only_files_of_k6s_dashboard_are_asked_of_k6(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(views, "open_runner", lambda name: FakeRunner(Door("127.0.0.1", 9)))
    monkeypatch.setattr(views.upstream, "fetch", lambda door, path: asked.append(path))
    if not guarded:
        monkeypatch.setattr(views, "content_type", lambda path: "text/plain")
    run = world.keys["running"]
    place = f"/runs/{run}/k6-dashboard/1/{make_ticket(world.people['alice'], run, '1')}/"
    for path in OUT:
        assert client.get(place + path).status_code in (404, 400), path
    assert (asked == []) is guarded


def test_reports_and_charts_are_found_by_plain_names_alone(client: Client, world: World) -> None:
    run = world.keys["run"]
    for path in OUT:
        for place in (f"/runs/{run}/k6-report/{path}/", f"/runs/{run}/chart/{path}.svg",
                      f"/test-history/{run}/chart/{path}.svg", f"/runs/{run}/export.csv?part={path}"):  # fmt: skip
            assert client.get(place).status_code in (404, 422, 400), place
    assert K6Report.objects.filter(test_history=run).count() == 1


def test_static_files_end_where_their_folder_ends(client: Client) -> None:
    for path in (*OUT, "../metricvault/settings.py", "../manage.py", "js/../../manage.py", "..%2fmanage.py"):
        answer = client.get(f"/static/{path}")
        assert answer.status_code == 404, path
        answer.close()


def archive(name: str, text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(name, text)
    return file.getvalue()


UPLOADS = (
    "../../../evil.csv",
    "..\\..\\evil.csv",
    "/tmp/evil.csv",
    "evil\x00.csv",
    "a\r\nb.csv",
    "평가.csv",
    "." * 250,
)


def test_the_name_of_an_upload_leads_nowhere(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    project, before = world.keys["project"], files_of(Path(settings.METRICVAULT_DATA_DIR))
    for number, name in enumerate(UPLOADS):
        file = ContentFile(b"a,b\n1,2\n", "x.csv")
        file.name = name
        answer = client.post("/data-file", {"project_id": project, "name": f"upload_{number}", "file": file})
        assert answer.status_code in (201, 400, 422), (name, answer.content)
        document = DOCUMENT.replace("Fresh", f"Fresh {number}")
        packed = ContentFile(archive(name.replace("\x00", "") + ".json", document), "x.zip")
        assert client.post("/openapi/analyze", {"project_id": project, "file": packed}).status_code in (201, 422), name
    for kept in DataFile.objects.filter(name__startswith="upload_").values_list("file_name", flat=True):
        assert not set("/\\\r\n\x00") & set(kept), kept
    assert list(tmp_path.iterdir()) == []
    assert files_of(Path(settings.METRICVAULT_DATA_DIR)) == before
    assert OpenApiSpec.objects.filter(project=project, title__startswith="Fresh").exists()


def test_without_djangos_guard_the_name_of_an_upload_would_lead_out(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.http.multipartparser.MultiPartParser.sanitize_file_name", lambda self, name: name)
    monkeypatch.setattr("django.core.files.uploadedfile.os.path.basename", lambda name: name)
    file = ContentFile(b"a,b\n1,2\n", "x.csv")
    file.name = UPLOADS[0]
    sent = (
        b'--B\r\nContent-Disposition: form-data; name="project_id"\r\n\r\n%d\r\n'
        b'--B\r\nContent-Disposition: form-data; name="name"\r\n\r\nevil\r\n'
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="../../../evil.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\na,b\n1,2\n\r\n--B--\r\n"
    ) % world.keys["project"]
    answer = client.post("/data-file", sent, content_type="multipart/form-data; boundary=B")
    assert answer.json()["file_name"] == "../../../evil.csv"


def files_of(folder: Path) -> set[Path]:
    return set(folder.rglob("*")) if folder.exists() else set()
