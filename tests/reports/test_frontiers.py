"""The page of frontiers, of a campaign small enough to work out on paper."""

from longlag.reports.frontiers import page


def test_the_page_says_how_far_each_method_gets(maker):
    for task, lags in (("adding", (10, 20)), ("xor", (10,))):
        for rung, lag in enumerate(lags, 1):
            for _ in range(5):
                maker.run("lstm", lag, 1e9, rung=rung, task=task)
    for _ in range(2):
        maker.run("vanilla", 10, None, rung=1, status="vanished")
    made = maker.made()
    made.manifest.profile["budget"] = {"at": 10, "flops": 2e10, "grows": "lag^2"}
    made.manifest.skipped.update(
        {"lstm on digits:pixels at lag 64": "too long", "vanilla on timer:start_twin at lag 20": "-"}
    )
    text = page(made)
    assert "2e10 (T / 10)^2 FLOPs at lag T; 4 trials" in " ".join(text.split())
    assert "| adding:hs97 | &lt; 10 | ≥ 20 [" in text
    assert "| xor:hs97 | – | ≥ 10 [" in text
    assert "| families with a lag bridged | 0 of 2 | 2 of 2 |" in text
    assert "- vanilla on adding:hs97 at 10: 0/2; vanished 2" in text
    assert "- lstm on digits:pixels at lag 64: too long" in text
    assert "timer:start_twin" not in text
    assert "17 trials, 3.5e10 FLOPs" in text
