"""A server of made-up records on loopback, as fast as Python lets it be: not what is measured."""

from __future__ import annotations

import json
import socketserver
import sys
import time
from urllib.parse import parse_qs, urlsplit

QUESTIONS = 20


def record(number: str) -> str:
    """One record with 17 fields of its own, a keyword and 20 question values, as JSON."""
    row = {
        "studyKey": "BENCH",
        "intervalId": 99,
        "formId": 10202,
        "formKey": "AE",
        "siteId": 128,
        "recordId": "@",
        "recordOid": "REC-1",
        "recordType": "SUBJECT",
        "recordStatus": "Record Incomplete",
        "deleted": False,
        "dateCreated": "2025-06-05 21:12:09",
        "dateModified": "2025-06-05 21:12:10",
        "subjectId": 326,
        "subjectOid": "OID-1",
        "subjectKey": "123-456",
        "visitId": 1,
        "parentRecordId": 34,
        "keywords": [
            {
                "keywordName": "Data Entry Error",
                "keywordKey": "DEE",
                "keywordId": 15362,
                "dateAdded": "2025-06-05 21:12:09",
            }
        ],
        "recordData": {f"QUESTION{n}": f"answer {n}" for n in range(QUESTIONS)},
    }
    return json.dumps(row).replace('"@"', number)


class Pages:
    """The pages of a list of `total` records; the first 200 of them are kept once made."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.row = record("%d")
        self.made: dict[tuple[int, int], bytes] = {}

    def page(self, number: int, size: int) -> bytes:
        key = (number, size)
        if key in self.made:
            return self.made[key]
        ids = range(number * size + 1, min((number + 1) * size, self.total) + 1)
        envelope = {
            "metadata": {"status": "OK", "error": {}},
            "pagination": {
                "currentPage": number,
                "size": size,
                "totalPages": -(-self.total // size),
                "totalElements": self.total,
            },
        }
        rows = ", ".join([self.row] * len(ids)) % tuple(ids)
        body = (json.dumps(envelope)[:-1] + f', "data": [{rows}]}}').encode()
        if len(self.made) < 200:
            self.made[key] = body
        return body


class Handler(socketserver.StreamRequestHandler):
    """Just enough of HTTP/1.1: GET, kept alive."""

    disable_nagle_algorithm = True
    pages: Pages
    delay: float

    def handle(self) -> None:
        while line := self.rfile.readline():
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            query = parse_qs(urlsplit(line.split()[1].decode()).query)
            body = self.pages.page(int(query["page"][0]), int(query["size"][0]))
            if self.delay:
                time.sleep(self.delay)
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            )
            self.wfile.write(head.encode() + b"\r\n\r\n" + body)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that leave: each process of a benchmark does."""


def main(total: int, milliseconds: float) -> None:
    Handler.pages, Handler.delay = Pages(total), milliseconds / 1000
    with Server(("127.0.0.1", 0), Handler) as server:
        for number in range(min(200, -(-total // 500))):
            Handler.pages.page(number, 500)
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
