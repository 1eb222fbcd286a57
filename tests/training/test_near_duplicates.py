"""Near-duplicates form groups, in Chinese and English, whatever their order."""

from random import Random

import pytest

from training.near_duplicates import SIMILARITY, group_near_duplicates, normalise

LIGHT = "人民路与解放路交叉口的路灯坏了三天, 晚上一片漆黑, 老人孩子出门很不安全, 请派人维修"
WATER = "我家住在城南新区阳光花园小区, 自来水从昨天夜里开始又黄又浑, 希望水务部门尽快查明原因"
CARD = "I ordered a new card two weeks ago and it still has not arrived, what can I do about it?"


def groups(*texts: str) -> list[int]:
    return group_near_duplicates(texts).tolist()


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (LIGHT, LIGHT.replace("三天", "五天")),
        (LIGHT, "您好！" + LIGHT.replace(", ", "，") + "！！谢谢"),
        (CARD, CARD.upper()),
        (CARD, CARD.replace("two weeks", "three weeks")),
        (
            "订单 20231 的退款一直没有到账，请查一下是什么原因",
            "订单 ２０２３２ 的退款,一直没有到账。请查一下是什么原因！",
        ),
        ("卡", "卡!"),
    ],
    ids=[
        "a word",
        "greeting and signs",
        "case",
        "an English word",
        "wide and narrow",
        "one character",
    ],
)
def test_a_text_and_the_same_with_small_changes_are_one_group(text: str, other: str) -> None:
    assert groups(text, WATER, other) == [0, 1, 0]


def test_different_tickets_of_one_matter_stay_apart() -> None:
    assert groups(LIGHT, "人民路的路灯太亮, 照进卧室, 影响睡眠", CARD, "Where is my card?") == [
        0,
        1,
        2,
        3,
    ]


def test_texts_that_tell_nothing_are_one_group() -> None:
    assert groups("", LIGHT, "  ", "?!", "a", "b") == [0, 1, 0, 0, 2, 3]
    assert groups() == []


def test_similarity_is_passed_on_from_text_to_text() -> None:
    # given a chain, each link of which changes two characters of the one before
    texts = [LIGHT]
    for at in range(0, 24, 2):
        texts.append(texts[-1][:at] + "甲乙" + texts[-1][at + 2 :])

    # then the ends are one group, though far from each other
    assert groups(texts[0], texts[-1]) == [0, 1]
    assert set(groups(*texts)) == {0}


def test_the_grouping_is_the_same_in_any_order() -> None:
    random = Random(1)
    words = ["路灯", "停水", "噪音", "公交", "垃圾", "医院", "学校", "油烟", "占道", "退款"]
    texts = ["".join(random.choices(words, k=12)) for _ in range(300)]
    texts += [text[:9] + "了" + text[10:] for text in texts[::3]]
    order = random.sample(range(len(texts)), len(texts))

    found = group_near_duplicates(texts)
    shuffled = group_near_duplicates([texts[row] for row in order])

    assert len(set(found.tolist())) < len(texts)
    assert (found[order][:, None] == found[order]).tolist() == (
        shuffled[:, None] == shuffled
    ).tolist()


def test_no_pair_as_similar_as_the_measure_is_missed_among_hundreds() -> None:
    random = Random(2)
    pairs = [
        ["".join(chr(random.randrange(0x4E00, 0x9000)) for _ in range(60))] for _ in range(300)
    ]
    for pair in pairs:  # two changes: 52 of 64 shingles are shared
        text = pair[0]
        pair.append(text[:20] + "甲" + text[21:40] + "乙" + text[41:])
    assert SIMILARITY < 52 / 64

    found = group_near_duplicates([text for pair in pairs for text in pair]).reshape(-1, 2)

    assert (found[:, 0] == found[:, 1]).all()
    assert len(set(found[:, 0].tolist())) == len(pairs)


def test_a_form_sent_by_thousands_is_one_group() -> None:
    texts = [f"{CARD} My name is {name}." for name in ("Ann", "Bo", "Cy")]
    names = [chr(97 + n // 26 % 26) + chr(97 + n % 26) for n in range(600)]

    found = groups(*texts, *(f"{CARD} My name is {name}." for name in names))

    assert set(found) == {0}


def test_normal_form_keeps_letters_of_any_script() -> None:
    assert normalise("  ＡＢＣ—订单№ 12345，“Ünï” ") == "abc订单no12345ünï"
