"""A sample of a file's lines: from all over it, and never more than a few hundred."""

import io

from producer.files.encoding.line_sample import line_parts, take_sample


def test_lines_of_ascii_are_left_out_and_numbers_are_the_files() -> None:
    content = "plain\n漏水\nplain\n停电\n".encode()

    sample = take_sample(io.BytesIO(content), None)

    assert [number for number, _ in sample.lines] == [2, 4]
    assert (sample.seen, sample.wrong) == (2, 0)


def test_lines_that_look_like_a_seven_bit_encoding_are_taken() -> None:
    content = b"plain\n" + "道路\n".encode("iso2022_jp") + "路灯\n".encode("hz")

    sample = take_sample(io.BytesIO(content), None)

    assert [number for number, _ in sample.lines] == [2, 3]


def test_of_a_long_file_lines_from_all_over_it_are_kept() -> None:
    content = "".join(f"漏水{number}\n" for number in range(100_000)).encode()

    sample = take_sample(io.BytesIO(content), None)

    numbers = [number for number, _ in sample.lines]
    assert (sample.seen, numbers[:100]) == (100_000, list(range(1, 101)))
    assert 200 <= len(numbers) < 400
    assert numbers[-1] > 99_000
    assert numbers == sorted(set(numbers))


def test_a_line_is_wrong_where_the_named_encoding_knows_less_than_half_of_it() -> None:
    content = "漏水\n".encode() + "路灯坏了\n".encode("gb18030")

    sample = take_sample(io.BytesIO(content), "utf-8")

    assert (sample.seen, sample.wrong) == (2, 1)


def test_a_long_line_comes_in_parts_and_is_sampled_by_its_beginning() -> None:
    content = b"\xe6" * 200_000 + b"\nend\n"

    parts = list(line_parts(io.BytesIO(content)))

    assert [(number, begins) for number, _, begins in parts] == [
        (1, True),
        (1, False),
        (1, False),
        (1, False),
        (2, True),
    ]
    [(number, beginning)] = take_sample(io.BytesIO(content), None).lines
    assert (number, len(beginning)) == (1, 1 << 16)
