"""Does the node serve the chain that is to be indexed?"""

from collections.abc import Mapping

from indexer.chain.client import NodeClient
from indexer.chain.errors import NoContractCode, WrongChain


async def check_deployment(client: NodeClient, chain_id: int, contracts: Mapping[str, str]) -> None:
    """Raise WrongChain or NoContractCode unless the node is on the chain and has code at every contract."""
    node_chain = await client.number("eth_chainId")
    if node_chain != chain_id:
        raise WrongChain(f"the node is on chain {node_chain}, the deployment on chain {chain_id}")
    codes = await client.batch([("eth_getCode", [address, "latest"]) for address in contracts.values()], str)
    missing = [
        f"{name} ({address})"
        for (name, address), code in zip(contracts.items(), codes, strict=True)
        if not isinstance(code, str) or code in ("0x", "")
    ]
    if missing:
        raise NoContractCode(f"there is no contract at the address of {', '.join(missing)} on chain {chain_id}")
