from __future__ import annotations

import pytest

from ecosystem.contexts.catalogue import Categories, Category, CategoryUnknown, categories


def test_the_shipped_tree_has_roots_with_children() -> None:
    tree = categories()

    assert len(tree.by_slug) == 160
    assert [root.slug for root in tree.roots()][:3] == ["home", "cleaning", "garden"]
    assert tree.get("hvac") == Category("hvac", "home", "Heating, ventilation & air conditioning")
    assert all(tree.children(root.slug) for root in tree.roots())


def test_a_path_leads_from_the_top_down() -> None:
    assert [category.slug for category in categories().path("plumbing")] == ["home", "plumbing"]
    assert [category.slug for category in categories().path("home")] == ["home"]


def test_what_lies_within_a_category_includes_itself_and_all_below() -> None:
    tree = Categories.of([Category("a", None, "A"), Category("b", "a", "B"), Category("c", "b", "C")])

    assert [category.slug for category in tree.within("a")] == ["a", "b", "c"]
    assert [category.slug for category in tree.within("c")] == ["c"]


def test_an_unknown_category_is_not_found() -> None:
    with pytest.raises(CategoryUnknown):
        categories().path("time-travel")
    assert "time-travel" not in categories()
