#!/usr/bin/env python3
"""Condenses the protobuf definitions of the Kubernetes API into one small gzip-compressed JSON document.

    generate_protobuf.py --proto DIR... --openapi openapi-v3.json.gz --output protobuf.json.gz

--proto    folders that hold `generated.proto` files: the modules k8s.io/api and k8s.io/apimachinery.
--openapi  the document that generate.py makes, which says which schema a kind has.

The result, with sorted keys and without white space:

    {"kinds": {"v1 ConfigMap": "io.k8s.api.core.v1.ConfigMap", …},
     "messages": {"io.k8s.api.core.v1.ConfigMap": {"1": "metadata one io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
                                                   "2": "data map string", …}, …}}

A field has its number, its name, whether there is `one` of it, a `list`, a `map` by texts, or whether it is `inline` (JSON has its fields in
its place), and its type: a scalar of protobuf or another message. Only messages that a kind reaches are kept. The same input gives the same
bytes.
"""

import argparse
import gzip
import json
import pathlib
import re

SCALARS = {"bool", "bytes", "double", "int32", "int64", "string"}
PACKAGE = re.compile(r"^package ([\w.]+);", re.MULTILINE)
MESSAGE = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s*(optional|repeated|required)?\s*(map<string, ?([\w.]+)>|[\w.]+) (\w+) = (\d+)", re.MULTILINE)


def schema_name(package, name):
    """The name that OpenAPI gives to a message of a package."""
    if name in SCALARS:
        return name
    full = name.lstrip(".") if "." in name else f"{package}.{name}"
    return full.replace("k8s.io.", "io.k8s.", 1)


def read_messages(folders):
    """The fields of all messages, by the names of their schemas."""
    messages = {}
    for path in sorted(path for folder in folders for path in folder.rglob("generated.proto")):
        text = path.read_text()
        package = PACKAGE.search(text)[1]
        for name, body in MESSAGE.findall(text):
            fields = {}
            for label, kind, values, field, number in FIELD.findall(body):
                form = "map" if values else "list" if label == "repeated" else "one"
                fields[number] = f"{field} {form} {schema_name(package, values or kind)}"
            messages[schema_name(package, name)] = fields
    return messages


def put_inline(messages, schemas):
    """Marks the messages that JSON does not show: the schema does not have them, but their fields."""
    for name, fields in messages.items():
        properties = schemas.get(name, {}).get("properties")
        for number, field in fields.items() if properties else ():
            label, form, kind = field.split(" ")
            if form == "one" and label not in properties and kind in messages:
                fields[number] = f"{label} inline {kind}"


def reached(messages, roots):
    """The messages that the roots lead to."""
    found, waiting = set(), list(roots)
    while waiting:
        name = waiting.pop()
        if name in messages and name not in found:
            found.add(name)
            waiting.extend(field.rsplit(" ", 1)[1] for field in messages[name].values())
    return {name: messages[name] for name in sorted(found)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proto", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--openapi", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()

    messages = read_messages(arguments.proto)
    openapi = json.loads(gzip.decompress(arguments.openapi.read_bytes()))
    put_inline(messages, openapi["schemas"])
    kinds = {}
    for name, schema in openapi["schemas"].items():
        for gvk in schema.get("x-kubernetes-group-version-kind", ()) if name in messages else ():
            version = "/".join(part for part in (gvk["group"], gvk["version"]) if part)
            kinds[f"{version} {gvk['kind']}"] = name
    document = {"kinds": kinds, "messages": reached(messages, kinds.values())}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    arguments.output.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
