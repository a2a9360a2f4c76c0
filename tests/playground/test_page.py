"""Drives the playground in a browser, as a user with mouse or keyboard does.

usage: test_page.py PAGE.html CHROMIUM CHROMEDRIVER OUT      screenshots go to the folder OUT; exits 1 at the first fault
"""

import gzip
import pathlib
import re
import sys

from webdriver import Browser

READY = "document.getElementById('status').textContent.startsWith('Ready')"


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def number(browser, element):
    text = browser.text(element)
    return float(re.sub("[^0-9.e+-]", "", text) or "nan")


def load(browser, url):
    browser.open("about:blank")  # or a new fragment loads nothing
    browser.requests()
    browser.open(url)
    browser.wait(READY)
    check(browser.text("error") == "", browser.text("error"))


def spirals(browser, url, out):
    load(browser, url)
    browser.screenshot(out / "start.png")
    browser.click("#run")
    seconds = browser.wait("parseFloat(document.getElementById('accuracy').textContent) > 95", 120)
    print(f"spirals: over 95 % after {seconds:.1f} s, {browser.text('steps')} steps")
    browser.click("#run")
    check(browser.text("run") == "Run", "it does not pause")
    steps = browser.text("steps")
    check(browser.run("return told('steps')") == float(steps), "the page shows other steps than Norma counted")
    check("of the test points are right" in browser.text("status"), "the pause is not announced")
    browser.screenshot(out / "wide.png")
    browser.click("#step")
    check(number(browser, "steps") == float(steps) + 1, "a step is not one batch")
    browser.click("#restart")
    check(browser.text("steps") == "0", "it does not begin anew")
    check(number(browser, "accuracy") < 90, "the weights are not the first ones")


# (how a control is used, what the settings say then, what Norma prints of the network, or None)
CONTROLS = [
    (lambda b: b.set("#layers", "3"), ("widths", "32,32,32"), "(8): ReLU()"),
    (lambda b: b.set("#widths label:nth-child(2) input", "7"), ("widths", "32,7,32"), "out_features=7"),
    (lambda b: b.choose("activation", "tanh"), ("activation", "tanh"), "Tanh()"),
    (lambda b: b.choose("activation", "sigmoid"), ("activation", "sigmoid"), "Sigmoid()"),
    (lambda b: b.choose("activation", "gelu"), ("activation", "gelu"), "GELU("),
    (lambda b: b.choose("norm", "layer"), ("norm", "layer"), "LayerNorm("),
    (lambda b: b.choose("norm", "none"), ("norm", "none"), None),
    (lambda b: b.choose("norm", "batch"), ("norm", "batch"), "BatchNorm1d("),
    (lambda b: b.set("[name=dropout]", "0.25"), ("dropout", "0.25"), "(9): Dropout(p=0.25"),
    (lambda b: b.choose("place", "before"), ("place", "before"), "(3): Dropout(p=0.25"),
    (lambda b: b.set("[name=init]", "0.5"), ("init", "0.5"), None),
    (lambda b: b.choose("axis", "wrong"), ("axis", "wrong"), "WrongAxis("),
    (lambda b: b.choose("axis", "right"), ("axis", "right"), None),
    (lambda b: b.set("[name=seed]", "5"), ("seed", "5"), None),
    (lambda b: b.set("[name=noise]", "0.1"), ("noise", "0.1"), None),
    (lambda b: b.choose("data", "moons"), ("data", "moons"), None),
    (lambda b: b.choose("data", "rings"), ("data", "rings"), None),
    (lambda b: b.choose("data", "checkerboard"), ("data", "checkerboard"), None),
]
LIVE = [
    (lambda b: b.set("[name=batch]", "20"), ("batch", "20")),
    (lambda b: b.set("[name=rate]", "0.02"), ("rate", "0.02")),
    (lambda b: b.set("[name=momentum]", "0.3"), ("momentum", "0.3")),
    (lambda b: b.click("[name=shuffle]"), ("shuffle", "no")),
    (lambda b: b.click("[name=clear]"), ("clear", "no")),
    (lambda b: b.click("[name=training][value=eval]"), ("training", "eval")),
]
COUNTED = "return Number(document.getElementById('layer-list').textContent.match(/(\\d+) batches counted/)[1])"
PICTURE = "return document.getElementById('boundary').toDataURL()"


def controls(browser, url):
    load(browser, url)
    browser.click("#step")
    for use, (key, value), printed in CONTROLS:
        before = browser.run(PICTURE)
        use(browser)
        check(browser.run(f"return state.{key}") == value, f"{key} is not {value}")
        check(f"{key}={value}" in browser.run("return settingsText(state)"), f"Norma is not told {key}={value}")
        refused = "channels on axis 1, got input size [1, 32, 7]" if value == "wrong" else ""
        check(refused in browser.text("error") and bool(refused) == bool(browser.text("error")), browser.text("error"))
        check(browser.run("return told('steps')") == 0, f"{key}={value}: does not begin anew")
        check(printed is None or printed in browser.text("network"), f"{key}={value}: Norma has no {printed}")
        # Asking leaves Dropout out, and over the wrong axis nothing can be asked.
        same = key in ("dropout", "place", "axis")
        check(same or browser.run(PICTURE) != before, f"{key}={value}: the picture is the same")
    address = browser.run("return location.hash")
    browser.click("#step")
    for use, (key, value) in LIVE:
        use(browser)
        check(browser.run(f"return state.{key}") == value, f"{key} is not {value}")
        check(browser.text("steps") == "1", f"{key}: begins anew")
        check(f"{key}={value}" in browser.run("return location.hash"), f"{key}={value} is not in the address")
        check(browser.run("return location.hash") != address, "the address stays")
    # A batch in eval() is not counted.
    browser.click("#step")
    check(browser.run(COUNTED) == 1, "eval() counts batches")
    browser.click("[name=evaluation][value=train]")  # each row of the picture is one more
    check(browser.run(COUNTED) > 50 and "evaluation=train" in browser.run("return location.hash"), "asking in train() counts none")
    settings, network = browser.run("return settingsText(state)"), browser.text("network")
    browser.call("POST", "/refresh")
    browser.wait(READY)
    check(browser.run("return settingsText(state)") == settings, "the settings do not survive loading anew")
    check(browser.text("network") == network, "the network does not survive loading anew")
    check(browser.run("return document.querySelector('[name=training]:checked').value") == "eval", "the form shows another mode")
    browser.set("[name=batch]", "0")
    check("Batch size" in browser.text("status"), "a batch of 0 is not told")
    check(browser.run("return state.batch") == "20", "a batch of 0 was taken")


def mistakes(browser, url, out):
    load(browser, url)
    count = browser.run("return document.querySelectorAll('#mistake-list li').length")
    check(count == 5, "not five mistakes")

    def make(index, button=1):
        browser.click("#right")
        browser.click(f"#mistake-list li:nth-child({index}) button:nth-child({button})")

    make(1)
    browser.wait("told('steps') > 600")
    browser.keys("r")
    check(number(browser, "accuracy") < 90, f"asked in train() {browser.text('accuracy')} are right")
    browser.screenshot(out / "mistake-1.png")
    make(2)
    browser.wait("told('steps') > 300 || !running")
    browser.run("pause()")
    check(browser.run(COUNTED) == 10, "statistics go on in eval()")
    browser.screenshot(out / "mistake-2.png")
    make(3)
    browser.wait("!document.getElementById('error').hidden")
    check("Expected more than 1 value per channel when training" in browser.text("error"), browser.text("error"))
    browser.run("window.dispatchEvent(new Event('resize'))")
    browser.screenshot(out / "mistake-3.png")
    check("Expected more than 1 value" in browser.text("error"), "a window of another size takes the error away")
    make(4)
    browser.wait("!document.getElementById('error').hidden")
    check("expected 32 channels on axis 1" in browser.text("error"), browser.text("error"))
    make(4, 2)
    browser.wait("told('steps') > 500")
    check(browser.text("error") == "", browser.text("error"))
    browser.keys("r")
    check(number(browser, "accuracy") < 90, f"over the wrong axis {browser.text('accuracy')} are right")
    browser.screenshot(out / "mistake-4.png")
    shares = []
    for button in (1, 2):
        make(5, button)
        browser.wait("told('steps') > 800")
        browser.keys("r")
        shares.append(browser.run("const n = (ask('observe'), JSON.parse(answer()).layers[2].norm); return quotient(n.running_var, n.asked_var)"))
        browser.screenshot(out / f"mistake-5-{button}.png")
    print(f"remembered variance / the test points': {shares[0]:.2f} with Dropout before BatchNorm, {shares[1]:.2f} after it")
    check(shares[0] > 1.15 * shares[1], "Dropout before BatchNorm does not raise the remembered variance")
    browser.click("#right")
    check(browser.run("return location.hash") == "#widths=32,32,32", "not put right: " + browser.run("return location.hash"))


def keyboard(browser, url):
    load(browser, url)
    seen, steps = set(), 0
    while steps < 80:
        browser.keys("Tab")
        steps += 1
        seen.add(browser.run("const a = document.activeElement; return a.id || a.name || a.textContent"))
    missing = {"run", "step", "restart", "boundary", "training", "evaluation", "data", "noise", "seed", "layers", "activation", "norm", "axis",
               "dropout", "init", "batch", "rate", "momentum", "shuffle", "clear", "right"} - seen
    check(not missing, f"the key Tab does not reach {missing}")
    browser.run("document.activeElement.blur()")
    browser.keys("s", "s")
    check(browser.text("steps") == "2", "the key S does not step")
    browser.keys("r")
    browser.wait("told('steps') > 20")
    browser.keys("r")
    check(browser.text("run") == "Run", "the key R does not pause")
    browser.keys("n")
    check(browser.text("steps") == "0", "the key N does not begin anew")
    browser.keys("3")
    check("Expected more than 1 value" in browser.text("error") or browser.wait("!document.getElementById('error').hidden") >= 0, "the key 3")
    browser.keys("0")
    check(browser.run("return state.batch") == "50", "the key 0 does not put it right")
    browser.choose("data", "points")
    check("expected points of both classes" in browser.text("error"), "no points are not refused")
    browser.run("document.getElementById('boundary').focus()")
    browser.keys("Left", "Left", "Enter", "c", "Right", "Right", "Right", "Up", "Enter", "Down", "Enter", "Backspace")
    check(browser.run("return points.length") == 2, "the keyboard draws no points")
    check(browser.run("return points.map((p) => p[2]).join()") == "0,1", "the key C does not change the class")
    browser.wait("document.getElementById('error').hidden")
    browser.run("document.activeElement.blur()")
    browser.keys("s")
    check(browser.text("steps") == "1", "drawn points are not learnt")
    browser.click("#boundary")
    check(browser.run("return points.length") == 3, "a click draws no point")
    check(browser.text("steps") == "1", "a new point begins anew")


def small_screen(browser, url, out):
    browser.devtools("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    load(browser, url + "#widths=16,16,16,16,16,16&dropout=0.1")
    browser.click("#run")
    browser.wait("told('steps') > 300")
    browser.click("#run")
    wide = browser.run("return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > 361 && !e.closest('pre'))"
                       ".map((e) => e.tagName + e.id)")
    check(browser.run("return document.documentElement.scrollWidth") <= 360 and not wide, f"wider than the screen: {wide}")
    browser.screenshot(out / "small.png")
    browser.devtools("Emulation.clearDeviceMetricsOverride")


def broken(browser, page, out):
    text = page.read_text()
    place = text.index('id="wasm">') + 4000
    copy = out / "broken.html"
    copy.write_text(text[:place] + "AAAA" + text[place + 4:])
    browser.open(copy.as_uri())
    browser.wait("document.getElementById('error').textContent.startsWith('The playground could not be started')")
    check(browser.run("return document.getElementById('run').disabled"), "a page that failed can be run")
    copy.unlink()
    load(browser, page.as_uri() + "#norm=nonsense")


def main():
    page, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[4]).resolve()
    size = len(gzip.compress(page.read_bytes(), 9))
    print(f"{size} bytes compressed")
    check(size < 1_000_000, "the page is not below 1 MB")
    url = page.as_uri()
    with Browser(sys.argv[2], sys.argv[3]) as browser:
        browser.open("about:blank")
        browser.requests()
        spirals(browser, url, out)
        asked = [address for address in browser.requests() if not address.startswith(("data:", url))]
        check(not asked, f"the page asks for {asked}")
        controls(browser, url)
        mistakes(browser, url, out)
        keyboard(browser, url)
        check(not browser.complaints(), "the browser complains of the page")
        small_screen(browser, url, out)
        try:
            broken(browser, page, out)
        except AssertionError as error:
            check("expected norm to be one of batch, layer, none, got 'nonsense'" in str(error), error)
        else:
            check(False, "an address that means nothing is not told")
    with Browser(sys.argv[2], sys.argv[3], dark=True) as browser:
        load(browser, url + "#data=checkerboard&widths=32,32,32")
        browser.click("#run")
        browser.wait("told('steps') > 1500", 60)
        browser.click("#run")
        browser.screenshot(out / "dark.png")
    print("every control and view does what it says")


if __name__ == "__main__":
    main()
