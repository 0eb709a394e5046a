"""The documentation page: the OpenAPI document, readable. One page, no script, nothing fetched from elsewhere."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Document = Mapping[str, Any]

DEPTH_MAX = 4
"""How deep nested objects are listed field by field."""

_STYLE = """
:root{--ink:#1d2433;--soft:#5b6577;--line:#dfe3ea;--back:#fff;--tint:#f5f7fa;--link:#1f4fb0}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8f0;--soft:#9aa5b8;--line:#333c4d;--back:#141922;--tint:#1c2330;
--link:#8db4ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.55 system-ui,sans-serif;display:grid;
grid-template-columns:18rem minmax(0,56rem);gap:3rem}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1.5rem;background:var(--tint);font-size:.9rem}
nav h2{font-size:.75rem;margin:1.4rem 0 .3rem;border:0;text-transform:uppercase;letter-spacing:.06em;color:var(--soft)}
nav ul{list-style:none;margin:0;padding:0}nav li{margin:.15rem 0}
main{padding:2rem 1.5rem 6rem 0}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
h1{margin:0 0 1rem}h2{margin:3.5rem 0 1rem;padding-bottom:.3rem;border-bottom:2px solid var(--line)}
section{margin:2.5rem 0;scroll-margin-top:1rem}h3{margin:0 0 .6rem;font-size:1.1rem}
h4{margin:1.2rem 0 .3rem;font-size:.85rem;color:var(--soft)}
code{font:.88em/1.5 ui-monospace,monospace;background:var(--tint);padding:.1em .3em;border-radius:4px}
.route{display:block;padding:.5rem .7rem;margin:.4rem 0;border:1px solid var(--line);overflow-wrap:anywhere}
b.method{display:inline-block;min-width:4.4em}
table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--soft)}td:first-child{white-space:nowrap}
pre{background:var(--tint);padding:.8rem;overflow:auto;border-radius:6px}pre code{padding:0}
summary{cursor:pointer;color:var(--soft)}details{margin:.5rem 0}.need{color:var(--soft);font-size:.8em}
@media(max-width:60rem){body{display:block}nav{display:none}main{padding:1rem}
table{display:block;overflow-x:auto}td:first-child{white-space:normal;overflow-wrap:anywhere}}
""".strip()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "frame-ancestors 'none'"
)


def render(document: Document) -> str:
    """The page, in HTML."""
    info = document["info"]
    operations = list(_operations(document))
    sections = "".join(_group(document, tag["name"], operations) for tag in document["tags"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>"
        f"{_navigation(document, operations)}<main><h1>{escape(info['title'])} API</h1>{_text(info['description'])}"
        f'<p>The same for machines: <a href="openapi.json">OpenAPI 3.1</a>.</p>{sections}{_problems(document)}'
        "</main></body></html>"
    )


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _navigation(document: Document, operations: list[tuple[str, str, Document]]) -> str:
    parts = []
    for tag in document["tags"]:
        items = "".join(
            f'<li><a href="#{operation["operationId"]}">{escape(operation["summary"].rstrip("."))}</a></li>'
            for _, _, operation in operations
            if tag["name"] in operation["tags"]
        )
        parts.append(f"<h2>{escape(tag['name'])}</h2><ul>{items}</ul>")
    parts.append('<h2>Problems</h2><ul><li><a href="#problems">Every code and what to do</a></li></ul>')
    return f"<nav>{''.join(parts)}</nav>"


def _group(document: Document, tag: str, operations: list[tuple[str, str, Document]]) -> str:
    sections = "".join(
        _operation(document, method, path, operation)
        for method, path, operation in operations
        if tag in operation["tags"]
    )
    return f"<h2>{escape(tag)}</h2>{sections}"


def _operation(document: Document, method: str, path: str, operation: Document) -> str:
    parts = [
        f'<section id="{operation["operationId"]}"><h3>{escape(operation["summary"])}</h3>',
        f'<code class="route"><b class="method">{method}</b>{escape(path)}</code>',
        _text(operation.get("description", "Everybody may call this.")),
    ]
    if operation["parameters"]:
        rows = "".join(
            _row(parameter["name"], parameter["schema"], parameter["required"], parameter.get("description", ""))
            for parameter in operation["parameters"]
        )
        parts.append(f"<h4>Parameters</h4><table>{rows}</table>")
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        parts.append(f"<h4>Body</h4>{_fields(document, schema)}")
    problems: list[str] = []
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        problem = content.get("application/problem+json")
        if problem is None:
            parts.append(_answer(document, status, response["description"], content))
        else:
            problems += [f'<a href="#problem-{code}"><code>{status} {code}</code></a>' for code in problem["examples"]]
    parts.append(f"<details><summary>{len(problems)} problems</summary><p>{' '.join(problems)}</p></details></section>")
    return "".join(parts)


def _answer(document: Document, status: str, description: str, content: Document) -> str:
    bodies = "".join(
        _fields(document, media["schema"]) if kind == "application/json" else f"<p><code>{escape(kind)}</code></p>"
        for kind, media in content.items()
    )
    shown = f"<details><summary>Fields</summary>{bodies}</details>" if "<table>" in bodies else bodies
    return f"<h4>{status}: {escape(description)}</h4>{shown}"


def _fields(document: Document, schema: Document) -> str:
    """An object's description and fields, nested ones as `outer.inner`."""
    target = _resolve(document, schema)
    rows = "".join(_rows(document, target, "", DEPTH_MAX))
    return _text(target.get("description", "")) + (f"<table>{rows}</table>" if rows else "")


def _rows(document: Document, schema: Document, prefix: str, depth: int) -> Iterator[str]:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        target = _resolve(document, field)
        yield _row(prefix + name, target, name in required, field.get("description", ""))
        inner = _resolve(document, target.get("items", target))
        if depth > 1:
            suffix = "[]." if "items" in target else "."
            yield from _rows(document, inner, prefix + name + suffix, depth - 1)


def _row(name: str, schema: Document, required: bool, description: str) -> str:
    need = ' <span class="need">required</span>' if required else ""
    return (
        f"<tr><td><code>{escape(name)}</code>{need}</td><td>{escape(_kind(schema))}</td>"
        f"<td>{_inline(description)}</td></tr>"
    )


def _resolve(document: Document, schema: Document) -> Document:
    """What a schema stands for: references followed, `or null` marked beside it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolve(document, document["components"]["schemas"][name])
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**_resolve(document, choices[0]), "nullable": True}
    return schema


def _kind(schema: Document) -> str:
    kind = schema.get("format") or schema.get("type") or ("one of" if "enum" in schema or "const" in schema else "any")
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    parts = [str(kind), *([", ".join(map(str, values))] if values else [])]
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "maxLength": "at most", "maxItems": "at most"}
    parts += [f"{sign} {schema[name]}" for name, sign in bounds.items() if name in schema]
    if schema.get("default") is not None and not isinstance(schema["default"], dict):
        parts.append(f"default {json.dumps(schema['default'])}")
    return "; ".join(parts + (["or null"] if schema.get("nullable") else []))


def _problems(document: Document) -> str:
    parts = ['<h2 id="problems">Problems</h2>']
    for code, example in document["components"]["examples"].items():
        told = example["value"]
        shown = escape(json.dumps(told, indent=2, ensure_ascii=False))
        parts.append(
            f'<section id="problem-{code}"><h3><code>{told["status"]} {code}</code></h3><p>{escape(told["title"])}. '
            f"{escape(told['detail'])}</p><details><summary>Example</summary><pre><code>{shown}</code></pre></details>"
            "</section>"
        )
    return "".join(parts)


def _text(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph.strip())


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
