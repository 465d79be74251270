"""Files: evidence that the platform sends for a dispute, and reports that it is given."""

from __future__ import annotations

import base64
from typing import Any, cast

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act, Answer, Record
from ecosystem.sandbox.parameters import LISTED, Choice, Endpoint, Ignored
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import OF, Body

SIZE_BYTES_MAX = 5 * 1024 * 1024
PURPOSES = ("dispute_evidence", "identity_document", "additional_verification", "business_logo")
_TYPES = {b"%PDF": "pdf", b"\x89PNG": "png", b"\xff\xd8\xff": "jpg"}


class Upload:
    """A file among the parts of a form: its name and its bytes."""

    def read(self, value: Any, name: str) -> tuple[str, bytes]:
        if not isinstance(value, tuple):
            raise Refused("Invalid file: send it as a part of multipart/form-data.", param=name)
        filename, content = cast("tuple[str, bytes]", value)
        return filename[:200], content


CREATE = Endpoint(
    {"file": Upload(), "purpose": Choice(*PURPOSES), "file_link_data": Ignored()}, required=("file", "purpose")
)
RETRIEVE = Endpoint()
LIST = Endpoint({**LISTED, "purpose": Choice(*PURPOSES, "finance_report_run")})


def create(act: Act, given: dict[str, Any]) -> Body:
    filename, content = given["file"]
    if not content or len(content) > SIZE_BYTES_MAX:
        raise Refused(f"A file has 1 to {SIZE_BYTES_MAX} bytes.", param="file")
    kind = next((kind for magic, kind in _TYPES.items() if content.startswith(magic)), None)
    if kind is None and given["purpose"] == "dispute_evidence":
        raise Refused("Evidence is a PDF, PNG or JPEG file.", code="invalid_file_type", param="file")
    return added(act, given["purpose"], filename, content, kind or "txt").body


def added(act: Act, purpose: str, filename: str, content: bytes, kind: str) -> Record:
    file_id = act.mint("file")
    body: Body = {
        **OF["file"],
        "id": file_id,
        "created": act.at,
        "filename": filename,
        "links": {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={file_id}"},
        "purpose": purpose,
        "size": len(content),
        "type": kind,
        "url": f"{act.origin}/v1/files/{file_id}/contents",
    }
    return act.add("file", body, inside={"content": base64.b64encode(content).decode()})


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("file", given["id"]).body


def contents(act: Act, given: dict[str, Any]) -> Answer:
    return Answer(status=200, body=base64.b64decode(act.need("file", given["id"]).inside["content"]))


def listed(act: Act, given: dict[str, Any]) -> Body:
    purpose = given.get("purpose")
    if purpose is None:
        return lists.page(act, "file", "/v1/files", given)
    return lists.filtered(act, "file", "/v1/files", given, lambda body: body["purpose"] == purpose)
