"""The chain is reorganised while a fetch reads it: what is stored in the end is what the chain holds, and nothing else."""

import pytest
from bitcoin_servers import Electrum, Node, serve_electrum, serve_node
from esplora_server import Esplora, serve
from fetching import fetched
from test_fetch_esplora import ALICE, BOB, busy, stored, truth
from toy_bitcoin import CHAIN

from exposure.store.histories import StoredUtxoHistory
from exposure.store.store import Store


class Fork:
    """A chain of which the newest blocks are replaced once, at some request for history; their payments are never mined."""

    def __init__(self, depth, at):
        self.toy, self.depth, self.left = busy(45), depth, at
        first = self.toy.tip - depth + 1
        self.gone = [tx["txid"] for block in self.toy.blocks[first:] for tx in block["tx"]]

    def asked(self, what):
        if not any(word in what for word in ("/txs", "transaction.get", "getblock")):
            return
        self.left -= 1
        if self.left == 0:
            self.toy.rewind(self.toy.tip - self.depth)
            for _ in range(self.depth + 2):
                self.toy.mine(BOB, fork=1)


def _through(fork, source):
    def http(number, path, reply):
        fork.asked(path)
        return reply

    if source == "esplora":
        return serve(Esplora(lambda: fork.toy.blocks, http)), "EXPOSURE_ESPLORA_URL"
    if source == "core":
        return serve_node(Node(lambda: fork.toy.blocks, fault=http)), "EXPOSURE_BITCOIN_RPC_URL"
    return serve_electrum(Electrum(lambda: fork.toy.blocks, fault=http)), "EXPOSURE_ELECTRUM_URL"


@pytest.mark.long
@pytest.mark.parametrize("depth", [3, 12])  # less, and more, than the confirmations that are waited for
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("source", ["esplora", "core", "electrum"])
def test_a_reorganisation_between_two_pages_leaves_no_row_of_what_is_gone(tmp_path, source, at, depth):
    fork = Fork(depth, at)
    serving, setting = _through(fork, source)
    with serving as server, Store.create(tmp_path / "store") as store:
        environ = {setting: server.base}
        done = fetched(store, ALICE, environ, chain=CHAIN, source=source)
        assert fork.left <= 0
        if depth < 6:  # above the block that was taken for final: nothing that is stored has changed
            assert done.whole, done
            assert stored(store, ALICE) == truth(fork.toy, ALICE, done.outcomes[0].last)
        assert done.whole or done.outcomes[0].reason
        # What was read before a deeper one may stand until the next fetch, which finds the blocks gone.
        again = fetched(store, ALICE, environ, chain=CHAIN, source=source)
        assert again.whole, again
        assert stored(store, ALICE) == truth(fork.toy, ALICE, again.outcomes[0].last)
        history = StoredUtxoHistory(store, CHAIN)
        assert history.incomplete(ALICE) is None
        assert [tx for tx in fork.gone if history.transaction(tx) is not None] == []
