"""Check that the deployment's contracts exist on the node's chain."""

import logging
from collections.abc import Mapping

from indexer.chain.client import NodeClient
from indexer.chain.errors import NoContractCode, RpcError

logger = logging.getLogger(__name__)


async def check_deployment(client: NodeClient, contracts: Mapping[str, str]) -> None:
    """Raise NoContractCode unless the node has code at every contract's address, and WrongChain if the client expects
    another chain. If the node refuses to answer, the contracts are assumed to exist.
    """
    codes = await client.batch([("eth_getCode", [address, "latest"]) for address in contracts.values()], str)
    by_contract = dict(zip(contracts.items(), codes, strict=True))
    missing = [f"{name} ({address})" for (name, address), code in by_contract.items() if code in ("0x", "")]
    if missing:
        raise NoContractCode(f"there is no contract at the address of {', '.join(missing)}")
    refusal = next((code for code in codes if not isinstance(code, str)), None)
    if refusal is not None or None in codes:
        why = refusal.message if isinstance(refusal, RpcError) else "no result"
        logger.warning("the addresses of the contracts could not be checked: %s", why)
