#!/usr/bin/env python3
"""Condenses the custom resource definitions of Istio and of Gateway API into one small gzip-compressed JSON document.

    definitions.py --istio VERSION FILE --gateway-api VERSION FILE... --output definitions.json.gz

--istio        `kubernetes/customresourcedefinitions.gen.yaml` of the Go module istio.io/api
--gateway-api  the files `config/crd/standard/gateway.networking.k8s.io_*.yaml` of the Go module sigs.k8s.io/gateway-api

The result, with sorted keys and without white space:

    {"gateway-api": {"version": "v1.5.1", "definitions": [{…}, …]}, "istio": {"version": "v1.31.4", "definitions": […]}}

Definitions keep their structure, rules and labels and lose their prose.
"""

import argparse
import gzip
import json
import pathlib
import sys

import yaml

PROSE = {"description", "example", "externalDocs"}


def condense(schema):
    """A schema without prose; the names of fields stay, whatever they are."""
    if isinstance(schema, list):
        return [condense(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            out[key] = {name: condense(field) for name, field in value.items()}
        elif key in ("default", "enum", "required"):
            out[key] = value
        elif key not in PROSE:
            out[key] = condense(value)
    return out


def definitions(files):
    """The definitions that files hold, condensed, by name."""
    found = []
    for file in files:
        for document in yaml.safe_load_all(file.read_text()):
            if document and document["kind"] == "CustomResourceDefinition":
                for version in document["spec"]["versions"]:
                    version["schema"]["openAPIV3Schema"] = condense(version["schema"]["openAPIV3Schema"])
                    for column in version.get("additionalPrinterColumns", ()):
                        column.pop("description", None)
                document.pop("status", None)
                found.append(document)
    return sorted(found, key=lambda definition: definition["metadata"]["name"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--istio", nargs=2, required=True, metavar=("VERSION", "FILE"))
    parser.add_argument("--gateway-api", nargs="+", required=True, metavar=("VERSION", "FILE"))
    parser.add_argument("--output", type=pathlib.Path, required=True, metavar="FILE")
    options = parser.parse_args()
    document = {}
    for name, (version, *files) in [("istio", options.istio), ("gateway-api", options.gateway_api)]:
        document[name] = {"version": version, "definitions": definitions(map(pathlib.Path, files))}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    compressed = gzip.compress(text, compresslevel=9, mtime=0)
    options.output.write_bytes(compressed)
    print(f"{options.output}: {len(text):,} bytes, {len(compressed):,} compressed", file=sys.stderr)


if __name__ == "__main__":
    main()
