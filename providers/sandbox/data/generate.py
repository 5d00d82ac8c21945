#!/usr/bin/env python3
"""Condenses a Kubernetes version's OpenAPI v3 documents and discovery into one small gzip-compressed JSON document.

    generate.py --openapi DIR --discovery DIR --kubernetes-version v1.36.3 --output openapi-v3.json.gz

--openapi    a folder of OpenAPI v3 documents named as in `api/openapi-spec/v3` of k8s.io/kubernetes:
             `api__v1_openapi.json`, `apis__apps__v1_openapi.json`, … A server's `/openapi/v3/…` answers, saved under the
             same names, do as well, and only they have `enum` (the published ones are made without).
--discovery  a folder of discovery documents, *.json: APIGroupDiscoveryList (a server's aggregated answers to `/api` and
             `/apis`) and/or APIResourceList (`/api/v1`, `/apis/apps/v1`; the files in `api/discovery` of
             k8s.io/kubernetes). Where both describe a group version, the aggregated document wins.

The result, with sorted keys and without white space:

    {"kubernetesVersion": "v1.36.3",
     "schemas": {"io.k8s.api.apps.v1.Deployment": {…}, …},
     "kinds": [{"group": "apps", "version": "v1", "kind": "Deployment", "plural": "deployments",
                "singular": "deployment", "shortNames": ["deploy"], "categories": ["all"], "namespaced": true,
                "schema": "io.k8s.api.apps.v1.Deployment", "verbs": ["create", …],
                "subresources": [{"name": "scale", "group": "autoscaling", "version": "v1", "kind": "Scale",
                                  "verbs": ["get", …]}, …]}, …]}

Schemas keep their structure and their x-kubernetes-* extensions and lose their prose (description, example,
externalDocs); a `$ref` holds the bare schema name; an `allOf` of a single `$ref` becomes that `$ref` beside its siblings.
Kinds are ordered by group, version and plural; "group" is "" for core. The same input gives the same bytes.
"""

import argparse
import gzip
import json
import pathlib
import sys

# The API group versions that go into the document; "" is core.
GROUP_VERSIONS = [
    ("", "v1"),
    ("admissionregistration.k8s.io", "v1"),
    ("apiextensions.k8s.io", "v1"),
    ("apiregistration.k8s.io", "v1"),
    ("apps", "v1"),
    ("authentication.k8s.io", "v1"),
    ("authorization.k8s.io", "v1"),
    ("autoscaling", "v1"),
    ("autoscaling", "v2"),
    ("batch", "v1"),
    ("coordination.k8s.io", "v1"),
    ("discovery.k8s.io", "v1"),
    ("events.k8s.io", "v1"),
    ("networking.k8s.io", "v1"),
    ("node.k8s.io", "v1"),
    ("policy", "v1"),
    ("rbac.authorization.k8s.io", "v1"),
    ("scheduling.k8s.io", "v1"),
    ("storage.k8s.io", "v1"),
]

PROSE = {"description", "example", "externalDocs"}
REF_PREFIX = "#/components/schemas/"
GVK = "x-kubernetes-group-version-kind"


def condense(schema):
    """A schema without prose, with bare `$ref`s and without single-element `allOf`s."""
    if not isinstance(schema, dict):  # additionalProperties: true | false
        return schema
    out = {}
    for key, value in schema.items():
        if key in PROSE:
            continue
        if key == "$ref":
            if not value.startswith(REF_PREFIX):
                raise ValueError(f"a $ref that does not lead to a component schema: {value}")
            out[key] = value.removeprefix(REF_PREFIX)
        elif key == "properties":  # keyed by field names, among them `description` and `default`
            out[key] = {name: condense(field) for name, field in value.items()}
        elif key in ("items", "additionalProperties", "not"):
            out[key] = condense(value)
        elif key in ("allOf", "anyOf", "oneOf"):
            out[key] = [condense(alternative) for alternative in value]
        else:  # type, format, default, enum, required, x-kubernetes-*: plain values
            out[key] = value
    if len(out.get("allOf", ())) == 1:
        (only,) = out["allOf"]
        if not set(only) & set(out):
            del out["allOf"]
            out |= only
    return out


def references(schema):
    """The names of the schemas that a condensed schema refers to."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield schema["$ref"]
    for field in schema.get("properties", {}).values():
        yield from references(field)
    for key in ("items", "additionalProperties", "not"):
        yield from references(schema.get(key))
    for key in ("allOf", "anyOf", "oneOf"):
        for alternative in schema.get(key, ()):
            yield from references(alternative)


def read_schemas(folder):
    """Every component schema of the group versions' documents, condensed, by name; with what they refer to."""
    schemas = {}
    for group, version in GROUP_VERSIONS:
        name = f"apis__{group}__{version}_openapi.json" if group else f"api__{version}_openapi.json"
        document = json.loads((folder / name).read_text())
        for schema_name, schema in document["components"]["schemas"].items():
            schema = condense(schema)
            known = schemas.setdefault(schema_name, schema)
            if GVK in schema:  # DeleteOptions and WatchEvent are of every group, and each document names some
                gvks = {(gvk["group"], gvk["version"], gvk["kind"]): gvk for gvk in known[GVK] + schema[GVK]}
                known[GVK] = schema[GVK] = [gvk for _, gvk in sorted(gvks.items())]
            if known != schema:
                raise ValueError(f"{name} has another {schema_name} than the documents before it")
    for schema_name, schema in schemas.items():
        for reference in references(schema):
            if reference not in schemas:
                raise ValueError(f"{schema_name} refers to {reference}, which no document has")
    return schemas


def aggregated_resources(document):
    """((group, version), resources) for each group version of an APIGroupDiscoveryList."""
    for item in document["items"]:
        group = item["metadata"].get("name", "")
        for served in item["versions"]:
            version = served["version"]
            resources = []
            for resource in served.get("resources", ()):
                resources.append(
                    {
                        "kind": resource["responseKind"]["kind"],
                        "plural": resource["resource"],
                        "singular": resource["singularResource"],
                        "shortNames": resource.get("shortNames", []),
                        "categories": resource.get("categories", []),
                        "namespaced": resource["scope"] == "Namespaced",
                        "verbs": resource["verbs"],
                        "subresources": [
                            subresource(sub["subresource"], sub["responseKind"], sub["verbs"], group, version)
                            for sub in resource.get("subresources", ())
                            if sub.get("responseKind")
                        ],
                    }
                )
            yield (group, version), resources


def legacy_resources(document):
    """((group, version), resources) of an APIResourceList."""
    group, _, version = document["groupVersion"].rpartition("/")
    resources = {}
    for entry in document["resources"]:
        plural, _, sub = entry["name"].partition("/")
        if sub:
            resources[plural]["subresources"].append(subresource(sub, entry, entry["verbs"], group, version))
        else:
            resources[plural] = {
                "kind": entry["kind"],
                "plural": plural,
                "singular": entry["singularName"],
                "shortNames": entry.get("shortNames", []),
                "categories": entry.get("categories", []),
                "namespaced": entry["namespaced"],
                "verbs": entry["verbs"],
                "subresources": [],
            }
    return (group, version), list(resources.values())


def subresource(name, kind, verbs, group, version):
    """A subresource; a kind that names no version of its own is of the resource's group version."""
    if kind.get("version"):
        group, version = kind.get("group", ""), kind["version"]
    return {"name": name, "group": group, "version": version, "kind": kind["kind"], "verbs": sorted(verbs)}


def read_discovery(folder):
    """The resources of each group version that the folder's discovery documents describe."""
    aggregated, legacy = {}, {}
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text())
        if document.get("kind") == "APIGroupDiscoveryList":
            aggregated.update(aggregated_resources(document))
        elif document.get("kind") == "APIResourceList":
            group_version, resources = legacy_resources(document)
            legacy[group_version] = resources
    return legacy | aggregated


def build_kinds(schemas, discovery):
    """The kinds of the group versions, each with the name of its schema."""
    by_gvk = {}
    for name, schema in schemas.items():
        for gvk in schema.get(GVK, ()):
            by_gvk.setdefault((gvk["group"], gvk["version"], gvk["kind"]), []).append(name)
    kinds = []
    for group, version in GROUP_VERSIONS:
        for resource in discovery[group, version]:
            names = by_gvk.get((group, version, resource["kind"]), [])
            if len(names) != 1:
                raise ValueError(f"{group}/{version} {resource['kind']} has {len(names)} schemas: {names}")
            kinds.append(
                resource
                | {
                    "group": group,
                    "version": version,
                    "schema": names[0],
                    "verbs": sorted(resource["verbs"]),
                    "subresources": sorted(resource["subresources"], key=lambda sub: sub["name"]),
                }
            )
    return sorted(kinds, key=lambda kind: (kind["group"], kind["version"], kind["plural"]))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--openapi", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--discovery", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--kubernetes-version", required=True, metavar="VERSION")
    parser.add_argument("--output", type=pathlib.Path, required=True, metavar="FILE")
    options = parser.parse_args()

    schemas = read_schemas(options.openapi)
    kinds = build_kinds(schemas, read_discovery(options.discovery))
    document = {"kubernetesVersion": options.kubernetes_version, "schemas": schemas, "kinds": kinds}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    compressed = gzip.compress(text, compresslevel=9, mtime=0)
    options.output.write_bytes(compressed)
    print(
        f"{options.output}: {len(schemas)} schemas, {len(kinds)} kinds, {len(text):,} bytes, {len(compressed):,} compressed",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
