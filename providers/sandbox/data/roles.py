#!/usr/bin/env python3
"""Writes roles.json: the roles that every cluster has for people and programs, as a server makes them for itself.

    kubectl get clusterroles,clusterrolebindings -o json | roles.py > roles.json

Those of the cluster's own parts are left out: in a sandbox these need no rights. So are the rules that are gathered from other roles.
"""

import json
import sys

ROLES = {
    "cluster-admin", "admin", "edit", "view",
    "system:aggregate-to-admin", "system:aggregate-to-edit", "system:aggregate-to-view",
    "system:basic-user", "system:discovery", "system:public-info-viewer",
    "system:service-account-issuer-discovery",
}


def cleaned(item):
    metadata = {key: item["metadata"][key] for key in ("name", "labels", "annotations") if key in item["metadata"]}
    kept = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": item["kind"], "metadata": metadata}
    for key in ("aggregationRule", "roleRef", "subjects", "rules"):
        if item.get(key):
            kept[key] = item[key]
    if "aggregationRule" in kept:
        kept.pop("rules", None)
    return kept


def main():
    items = [item for item in json.load(sys.stdin)["items"] if item["metadata"]["name"] in ROLES]
    lines = ",\n".join(json.dumps(cleaned(item), separators=(",", ":")) for item in items)
    print(f"[\n{lines}\n]")


main()
