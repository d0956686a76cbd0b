"""Malformed, unusual and unfinished HTTP requests, by the status that they must get."""

from collections.abc import Callable

from tests.live.fuzz.http_requests import (
    BODY,
    CHUNKED,
    CHUNKED_BODY,
    SMUGGLED,
    get,
    head,
    length,
    post,
    post_chunked,
    request_line,
)

Requests = dict[str, bytes]

LAST_CHUNK = b"0\r\n\r\n"
BAD_LENGTHS = (b"", b"15, 15", b"+15", b"-15", b"-0", b"0xf", b"15.0", b"1e1", b"1 5", b"\xb2")
HUGE_LENGTHS = (b"99999999999999999999999", b"18446744073709551631")
BAD_CHUNK_SIZES = (b"-f", b"+f", b" f", b"", b"0xf", b"g", b"f,f")
HUGE_CHUNK_SIZES = (b"fffffffffffffffff", b"7fffffffffffffff")
BAD_HOSTS = (b"", b"a b", b"a/../b", b"a\0b")
BAD_TARGETS = (b"/%", b"/%2", b"/%zz", b"/a%00b", b"/a b", b"/a\tb", b"/a\0b", b"/a\rb", b"/a\x7fb")
PARENT_FOLDERS = (b"/../../etc/passwd", b"/docs/%2e%2e/%2e%2e/etc/passwd")
BAD_VERSIONS = (b"HTTP/0.0", b"HTTP/1.", b"HTTP/1", b"HTTP/x", b"HTTP/ 1.1", b"HTTP/1.1 x")
OTHER_PROTOCOLS = (b"http/1.1", b"ICY/1.1", b"HTTP/1.99999999999999999999")
UNKNOWN_CODINGS = (b"xchunked", b"identity", b"chunked, identity", b"gzip, chunked", b'"chunked"')
ODD_CODINGS = (b" \x0bchunked", b"\tchunked", b"chunked;a=b", b"chunked,", b"\xffchunked")
ODD_HOSTS = (b"u@x", b"z\xc3\xbc", b"x:99999999", b"x\"'<>", b"x%0d%0aX:y")
UNKNOWN_PATHS = (b"/v1/%ff%fe", b"/\xff\xfe", b"/v1/%c0%af%c0%ae", b"/v1/hello%0d%0aX-Evil:%201")
ODD_PATHS = (b"/v1/%2568ello", b"/docs/..\\..\\etc", b"//x.example/%2e/docs", b"/smuggle?%zz")
ODD_NAMES = (b"a%00b", b"%zz%2", b"%u0041", b"z\xc3\xbc")
NAMES_OF_OTHER_BYTES = (b"\xff\xfe", b"%ff%fe", b"%ed%a0%80")
SPLITTING_NAMES = (
    b"a%0d%0aX-Evil:%201",
    b"%0d%0a%0d%0aHTTP/1.1%20200%20OK%0d%0aServer:%20nginx",
)
ODD_IDS = (b"abcdefgh\xe2\x80\xa8", b"z\xc3\xbcz\xc3\xbcz\xc3\xbc", b"a" * 6000)
INJECTING_IDS = (b"abcdefgh%0d%0aX-Evil: 1", b"abcdefgh\tX-Evil: 1", b'","level":"ERROR","x":"')


def variants(name: str, build: Callable[[bytes], bytes], *values: bytes) -> Requests:
    """Return a request for each value, named by its position."""
    return {f"{name}-{number}": build(value) for number, value in enumerate(values)}


# nginx rejects these itself and closes the connection: it must not read what follows.
REJECTED: dict[int, Requests] = {
    400: {
        # Two statements of the body's length: a proxy and a server could believe different ones.
        "length-and-chunked": post(b"Content-Length: 6", CHUNKED, body=LAST_CHUNK),
        "chunked-and-length": post(CHUNKED, b"Content-Length: 4", body=LAST_CHUNK),
        "chunked-twice": post(CHUNKED, CHUNKED, body=LAST_CHUNK),
        "chunked-and-identity": post(CHUNKED, b"Transfer-Encoding: identity", body=LAST_CHUNK),
        "chunked-in-1.0": post_chunked(CHUNKED_BODY).replace(b"HTTP/1.1", b"HTTP/1.0"),
        "space-before-colon": post(b"Transfer-Encoding : chunked", body=CHUNKED_BODY),
        "chunked-folded": post(b"Transfer-Encoding:\r\n chunked", body=CHUNKED_BODY),
        "chunked-after-lf": post(b"X: y\n" + CHUNKED, b"Content-Length: 5", body=LAST_CHUNK),
        "chunked-after-cr": post(b"Content-Length: 5\r" + CHUNKED, body=LAST_CHUNK),
        "chunked-null": post(CHUNKED + b"\0", body=CHUNKED_BODY),
        "equal-lengths": post(length(BODY), length(BODY)),
        "different-lengths": post(length(BODY), b"Content-Length: 51"),
        **variants("length", lambda x: post(b"Content-Length: " + x), *BAD_LENGTHS, *HUGE_LENGTHS),
        **variants(
            "chunk-size",
            lambda size: post_chunked(size + b"\r\n" + BODY + b"\r\n" + LAST_CHUNK),
            *BAD_CHUNK_SIZES,
            *HUGE_CHUNK_SIZES,
        ),
        "chunk-too-long": post_chunked(b"f\r\n" + BODY + b"xx\r\n" + LAST_CHUNK),
        "chunk-cr": post_chunked(b"f\r" + BODY + b"\r0\r\r"),
        "null-in-a-value": get(b"X: a\0b"),
        "null-in-a-name": get(b"X\0: a"),
        "null-first": b"\0" + get(),
        "cr-in-a-value": get(b"X: a\rb"),
        "cr-for-crlf": get().replace(b"\r\n", b"\r") + b"\r\n",
        "control-in-a-name": get(b"X\x01: b"),
        "space-in-a-name": get(b"X Y: b"),
        "empty-name": get(b": b"),
        "folded": get(b"X: a\r\n b"),
        "folded-first": head(b"GET /v1/hello HTTP/1.1", b" Host: x"),
        "no-host": head(b"GET /v1/hello HTTP/1.1"),
        "two-hosts": get(b"Host: y"),
        **variants("host", lambda host: get(host=b"Host: " + host), *BAD_HOSTS),
        "lower-case-method": request_line(b"get / HTTP/1.1"),
        "no-method": request_line(b" / HTTP/1.1"),
        "odd-method": request_line(b"GE\xff / HTTP/1.1"),
        "tabs": request_line(b"GET\t/\tHTTP/1.1"),
        "no-slash": request_line(b"GET v1/hello HTTP/1.1"),
        "only-a-query": request_line(b"GET ?name=x HTTP/1.1"),
        "asterisk": request_line(b"OPTIONS * HTTP/1.1"),
        "absolute-with-a-user": request_line(b"GET http://a:b@other.example/ HTTP/1.1"),
        "absolute-without-a-host": request_line(b"GET http:/// HTTP/1.1"),
        **variants(
            "version",
            lambda version: request_line(b"GET / " + version),
            *BAD_VERSIONS,
            *OTHER_PROTOCOLS,
        ),
        **variants("target", lambda x: get(target=x), *BAD_TARGETS, *PARENT_FOLDERS),
        "http2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
        "proxy-protocol": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get(),
        "id-with-cr": get(b"X-Request-ID: abcdefgh\rX-Evil: 1"),
        "id-with-null": get(b"X-Request-ID: abcdefgh\0"),
    },
    414: {
        "long-target": get(target=b"/" + b"a" * 100_000),
        "long-method": request_line(b"A" * 100_000 + b" / HTTP/1.1"),
    },
    431: {
        "long-value": get(b"X: " + b"a" * 100_000),
        "long-name": get(b"a" * 100_000 + b": x"),
        "many-fields": get(*(b"X-%d: y" % number for number in range(20_000))),
    },
    501: variants(
        "coding",
        lambda coding: post(b"Transfer-Encoding:" + coding, body=CHUNKED_BODY),
        *UNKNOWN_CODINGS,
        *ODD_CODINGS,
    ),
    505: {
        "version-2.0": request_line(b"GET / HTTP/2.0"),
        "version-9.9": request_line(b"GET / HTTP/9.9"),
    },
}

# Unusual requests that get exactly one response, with one of these statuses. Where there are two,
# nginx versions differ in what they tolerate.
ANSWERED: dict[tuple[int, ...], Requests] = {
    (200,): {
        # nginx asks for the whole response, because it may keep it.
        "bad-range": get(b"Range: bytes=5-1,-0,abc", target=b"/docs/"),
        "chunked": post_chunked(CHUNKED_BODY),
        "coding-in-capitals": post(CHUNKED.upper(), body=CHUNKED_BODY),
        "many-chunks": post_chunked(b"".join(b"1\r\n%c\r\n" % x for x in BODY) + LAST_CHUNK),
        "chunk-extension": post_chunked(b"f;a=b\r\n" + BODY + b"\r\n0;x\r\n\r\n"),
        "long-extension": post_chunked(b"f;" + b"a" * 70_000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
        "trailer": post_chunked(b"f\r\n" + BODY + b"\r\n0\r\nContent-Length: 50\r\n\r\n"),
        "zeros-before-a-length": post(b"Content-Length: 0000000015"),
        "body-of-a-get": get(length(SMUGGLED)) + SMUGGLED,
        "lf-for-crlf": get().replace(b"\r\n", b"\n"),
        "blank-lines-first": b"\r\n" * 1000 + get(),
        "two-spaces": request_line(b"GET  /v1/hello  HTTP/1.1"),
        "no-colon": get(b"Nonsense"),
        "bytes-in-fields": get(b"X: \xff\xfe", b"Z\xc3\xbc: \xc3\xbc"),
        "absolute": request_line(b"GET http://other.example:81/v1/hello HTTP/1.1"),
        "absolute-v6": request_line(b"GET https://[::1]:80/v1/hello HTTP/1.1"),
        "fragment": get(target=b"/v1/hello#fragment"),
        "version-1.0": head(b"GET /v1/hello HTTP/1.0"),
        "version-1.2": request_line(b"GET /v1/hello HTTP/1.2"),
        **variants(
            "query",
            lambda name: get(target=b"/v1/hello?name=" + name),
            *ODD_NAMES,
            *SPLITTING_NAMES,
        ),
        **variants("id", lambda x: get(b"X-Request-ID: " + x), *ODD_IDS, *INJECTING_IDS),
        "two-ids": get(b"X-Request-ID: abcdefgh", b"X-Request-ID: ijklmnop"),
        "names-of-variables": get(b"UWSGI_FILE: /etc/passwd", b"SCRIPT-NAME: /x", b"Proxy: y"),
        "odd-expectation": post(b"Expect: 200-maybe", length(BODY)),
        "upgrade": get(b"Connection: Upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
        "fields-named-as-hop-by-hop": get(
            b"Connection: close, X-Request-ID, Host", b"TE: trailers"
        ),
        "many-ranges": get(
            b"Range: bytes=" + b",".join([b"0-"] * 900), target=b"/docs/swagger-ui.css"
        ),
        "range-beyond-a-file": get(b"Range: bytes=999999999-", target=b"/docs/swagger-ui.css"),
        "bad-conditions": get(b"If-Modified-Since: \xff", b'If-None-Match: """', b"If-Range: ,"),
        "bad-preferences": get(b"Accept: */,;q=-1", b"Accept-Encoding: ;q=,,gzip;q=99,\xff"),
        "bad-cookie": get(b'Cookie: =;;\xff="\x01; a', b"Authorization: Basic \xff\xff"),
        "bad-forwarding": get(b"X-Forwarded-For: \xff", b'Forwarded: for="_'),
    },
    (200, 400): {
        "chunk-lf": post_chunked(b"f\n" + BODY + b"\n0\n\n"),
        "extension-lf": post_chunked(b"f;\n" + BODY + b"\r\n0\r\n\r\n"),
        **variants("host", lambda host: get(host=b"Host: " + host), *ODD_HOSTS),
    },
    (302,): {
        "redirect-with-a-query": get(target=b"/docs?%0d%0aX-Evil:%201"),
        "redirect-with-other-bytes": get(target=b"/docs?\xff\xfe"),
    },
    (400,): {
        "chunk-of-a-request": post_chunked(
            b"%x\r\n%b\r\n" % (len(SMUGGLED), SMUGGLED) + LAST_CHUNK
        ),
        "coding-with-an-underscore": post(
            b"Transfer_Encoding: chunked",
            length(LAST_CHUNK + SMUGGLED),
            body=LAST_CHUNK + SMUGGLED,
        ),
        **variants(
            "query-of-other-bytes",
            lambda name: get(target=b"/v1/hello?name=" + name),
            *NAMES_OF_OTHER_BYTES,
        ),
        "bytes-in-a-key": post(length(BODY), body=b'{"n\xffmbers":[7]}'),
        "bytes-in-a-body": post(b"Content-Length: 4", body=b"\xff\xfe\0{"),
    },
    (400, 405): {
        "connect": request_line(b"CONNECT example.com:443 HTTP/1.1"),
        "connect-to-a-path": request_line(b"CONNECT /v1/hello HTTP/1.1"),
    },
    (404,): variants("path", lambda path: get(target=path), *UNKNOWN_PATHS, *ODD_PATHS),
    (405,): variants(
        "method",
        lambda method: request_line(method + b" /v1/hello HTTP/1.1"),
        *(b"BREW", b"GET_X", b"PROPFIND", b"TRACE"),
    ),
    (415,): {"bad-type": post(length(BODY), media_type=b"\xff;;=")},
}

# Requests that stop before their end. nginx waits, logs 408 and closes without a response.
UNFINISHED: Requests = {
    "half-a-line": b"GET /v1/he",
    "half-a-head": b"GET /v1/hello HTTP/1.1\r\nHost: x\r\n",
    "only-a-newline": b"\n",
    "half-a-body": post(b"Content-Length: 50"),
    "half-a-chunk": post_chunked(b"20\r\n" + BODY),
    "no-last-chunk": post_chunked(b"f\r\n" + BODY + b"\r\n"),
}
