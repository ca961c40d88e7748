"""Checksums of addresses."""

from random import Random

from eth_utils.address import to_checksum_address

from indexer.selectors.addresses import checksummed, shown


def test_addresses_in_any_form_get_the_checksum_of_the_reference() -> None:
    for address in (Random(number).randbytes(20) for number in range(200)):
        expected = to_checksum_address(address)
        digits = address.hex()
        assert [checksummed(form) for form in (address, f"0x{digits}", f"0x{digits.upper()}", expected)] == [
            expected
        ] * 4


def test_addresses_inside_an_event_s_arguments_are_shown_with_it_too() -> None:
    address = "0x" + "ab" * 20
    assert shown([address, [address], "0xab", 5]) == [checksummed(address), [checksummed(address)], "0xab", 5]
