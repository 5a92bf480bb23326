"""Colours and signs: the same for a method everywhere, and told apart by colour-blind readers."""

from itertools import combinations

import numpy as np
import pytest

from longlag.reports.palette import KNOWN, METHODS, looks

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
BLIND = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
ELSEWHERE = ["mine", "yours", "lstm+gradient_clipping", "s4"]


@pytest.mark.parametrize("beside", [[], KNOWN, ["another"], [*KNOWN, "attention"]])
def test_a_method_looks_the_same_whatever_stands_beside_it(beside):
    alone = {name: looks([name])[name] for name in (*KNOWN, *ELSEWHERE)}
    for name, look in alone.items():
        assert looks([*beside, name])[name] == look
        assert looks([name, *reversed(beside)])[name] == look


def test_what_is_named_after_its_campaign_looks_as_its_plain_name():
    assert looks(["mine", "lstm · survey"])["lstm · survey"] == looks(["lstm"])["lstm"]
    for names in (["lstm", "lstm · survey"], ["lstm · survey", "lstm · gates"]):
        found = looks(names)
        assert found[names[0]] == looks(["lstm"])["lstm"] != found[names[1]]


def test_no_two_of_a_page_look_alike():
    names = [*KNOWN, *(f"method_{number}" for number in range(35))]
    assert len(set(looks(names).values())) == len(names)
    assert len(looks([f"method_{number}" for number in range(200)])) == 200


def lab(colour):
    """CIE L*a*b* of linear RGB, D65."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ colour
    scaled = xyz / np.array([0.9505, 1.0, 1.089])
    root = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@pytest.mark.parametrize("kind", BLIND)
def test_methods_differ_in_colour_or_sign_to_a_colour_blind_reader(kind):
    def seen(look):
        srgb = np.array([int(look.colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
        linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        return lab(np.clip(np.array(BLIND[kind]) @ linear, 0, 1))

    for (_, one), (_, two) in combinations(looks(KNOWN).items(), 2):
        assert one.shape != two.shape
        assert np.linalg.norm(seen(one) - seen(two)) > 5, (one, two)
    assert len(set(METHODS)) == len(METHODS)
