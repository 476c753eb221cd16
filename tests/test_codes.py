from pat_tenants.codes import ALPHABET, check_symbol, new_code


def test_a_code_is_eight_characters_and_a_check() -> None:
    first, second, check = new_code().split("-")
    assert (len(first), len(second)) == (4, 4)
    assert set(first + second) <= set(ALPHABET)
    assert check == check_symbol(first + second)


def test_one_wrong_character_is_seen() -> None:
    body = "K7QM2XPA"
    for position in range(8):
        for other in ALPHABET:
            if other != body[position]:
                changed = body[:position] + other + body[position + 1 :]
                assert check_symbol(changed) != check_symbol(body)


def test_two_swapped_neighbours_are_seen() -> None:
    body = "K7QM2XPA"
    for position in range(7):
        swapped = body[:position] + body[position + 1] + body[position] + body[position + 2 :]
        assert swapped == body or check_symbol(swapped) != check_symbol(body)


def test_codes_differ() -> None:
    assert len({new_code() for _ in range(1000)}) == 1000
