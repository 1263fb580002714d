"""The product's own REST interface, as playbooks ask it: answered inside."""

from __future__ import annotations

from pathlib import Path

from classic.playbook.pretend import Tool, run


def test_the_rest_interface_is_answered_inside(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import requests

        def on_start(container):
            url = phantom.build_phantom_rest_url
            phantom.debug([url("a b", 7, "x/"), url()])
            get = phantom.requests.get
            phantom.debug(get(url("container", container["id"]), verify=False).json()["name"])
            phantom.debug([one["id"] for one in get(url("artifact") + '?_filter_cef__src="a"&page_size=0').json()["data"]])
            phantom.debug(get(url("artifact"), params={"_exclude_id__in": "[1, 2]"}).json()["count"])
            phantom.debug(get(url("decided_list", "none")).status_code)
            posted = phantom.requests.post(url("container", 9), json={"status": "closed"})
            phantom.debug([posted.ok, phantom.get_container(9)["status"]])
            try:
                requests.get("https://elsewhere.example/")
            except Exception as error:
                phantom.debug(error)
        """,
    )
    assert ended.said == [
        "['https://127.0.0.1/rest/a%20b/7/x', 'https://127.0.0.1/rest/']", "an alert", "[1, 3]", "1", "404", "[True, 'closed']",
        "a playbook reaches no network: elsewhere.example is for an app to ask",
    ]  # fmt: skip


def test_what_is_searched_for_is_found_among_the_runs_own(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        def on_start(container):
            def found(query):
                told = phantom.requests.get(phantom.build_phantom_rest_url("search") + query).json()
                return told["count"], [(one["category"], one["id"], one["title"]) for one in told["results"]]

            phantom.debug(found("?query=an%20ALERT&page_size=0"))
            phantom.debug(found("?query=an%20alert&categories=artifact"))
            phantom.debug(found("?query=nowhere-to-be-seen"))
            phantom.debug(found(""))
        """,
    )
    assert ended.said == ["(1, [('container', 9, 'an alert')])", "(0, [])", "(0, [])", "(0, [])"]


def test_pages_are_counted(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        def on_start(container):
            for size in (0, 1, 2, 3, 4):
                told = phantom.requests.get(phantom.build_phantom_rest_url("artifact"), params={"page_size": size}).json()
                phantom.debug([told["num_pages"], told["count"], len(told["data"])])
        """,
    )
    assert ended.said == ["[1, 3, 3]", "[3, 3, 1]", "[2, 3, 2]", "[1, 3, 3]", "[1, 3, 3]"]


def test_rest_tells_of_what_is_installed(tmp_path: Path) -> None:
    told = {
        "playbooks": [
            {"name": "block", "repository": "community", "labels": [], "tags": ["block", "risk"], "inputs": [{"name": "ip", "contains": ["ip"]}]},
            {"name": "look", "repository": "mine", "labels": ["events"], "tags": [], "inputs": []},
        ],
        "assets": [{"name": "feeds-1", "app": "x/feeds", "product": "Feeds", "vendor": "V", "actions": ["ip reputation"]}],
        "simulated": False,
    }  # fmt: skip
    code = """
        def on_start(container):
            def rows(kind, **query):
                return phantom.requests.get(phantom.build_phantom_rest_url(kind), params=query).json()["data"]

            local = rows("scm", _filter_name='"local"')[0]["id"]
            phantom.debug([f"{one['_pretty_scm']}/{one['name']}" for one in rows("playbook", page_size=0, _filter_scm=local)])
            found = rows("playbook", _filter_tags__contains='["risk"]')
            phantom.debug([(one["name"], one["playbook_type"], one["input_spec"][0]["contains"]) for one in found])
            phantom.debug([one["name"] for one in rows("playbook", _filter_scm=rows("scm", _filter_name='"mine"')[0]["id"])])
            phantom.debug([(one["name"], one["product_name"]) for one in rows("asset")])
            phantom.debug([one["name"] for one in phantom.get_assets(action="ip reputation") + phantom.get_assets(action="x")])
            phantom.debug(rows("asset", _filter_name='"nobody"'))
    """
    ended = run(tmp_path, code, Tool(installed=told))

    assert (ended.op, ended.said) == ("done", [
        "['community/block', 'mine/look']", "[('block', 'data', ['ip'])]", "['look']", "[('feeds-1', 'Feeds')]", "['feeds-1']", "[]",
    ])  # fmt: skip
    simulated = run(tmp_path, code, Tool(installed={**told, "simulated": True}))
    assert simulated.said[-1].startswith("[{'id': 2, 'name': 'nobody'")
