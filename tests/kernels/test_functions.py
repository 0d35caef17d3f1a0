"""Each kernel's C against an oracle that shares nothing with it but the mathematics."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import fft as scipy_fft
from scipy.optimize import brentq
from scipy.signal import convolve2d
from scipy.special import jv
from scipy.stats import norm

from axedge.kernels.kernel import Kernel, Samples, load_kernel

pytestmark = pytest.mark.cc


@functools.cache
def kernel_of(name: str) -> Kernel:
    return load_kernel(name)  # compiled once


def drawn(name: str, count: int = 5000) -> Samples:
    return kernel_of(name).draw("test", count, 11)


def exact(name: str, *rows: tuple[float, ...]) -> NDArray[np.float64]:
    return kernel_of(name).exact(np.array(rows, np.float32)).astype(np.float64)


def tip(theta1: NDArray[np.float64], theta2: NDArray[np.float64]) -> NDArray[np.float64]:
    elbow = 0.5 * np.exp(1j * theta1)
    end = elbow + 0.5 * np.exp(1j * (theta1 + theta2))
    return np.stack([end.real, end.imag], axis=1)


@pytest.mark.parametrize("name", ["inversek2j", "inversek2j_double"])
def test_the_arm_reaches_its_tip(name: str) -> None:
    samples = drawn(name)
    theta1, theta2 = samples.y.astype(np.float64).T
    np.testing.assert_allclose(tip(theta1, theta2), samples.x, atol=5e-7)
    assert theta2.min() >= 0
    assert samples.y.max() < np.pi / 2 + 1e-3


@pytest.mark.parametrize(("name", "tolerance"), [("inversek2j", 1e-5), ("inversek2j_double", 5e-6)])
def test_the_arm_gives_back_the_angles(name: str, tolerance: float) -> None:
    angles = np.random.default_rng(0).uniform(0.05, np.pi / 2, (2000, 2))
    found = kernel_of(name).exact(tip(*angles.T).astype(np.float32))
    np.testing.assert_allclose(found, angles, atol=tolerance)


@pytest.mark.parametrize("name", ["inversek2j", "inversek2j_double"])
def test_the_arm_at_and_beyond_the_rim(name: str) -> None:
    turned = np.float32(np.sqrt(0.5))
    out = exact(name, (1.0, 0.0), (0.0, 1.0), (turned, turned), (3.0, 3.0), (0.0, 0.0), (1.0, 0.01))
    assert np.isfinite(out).all()
    np.testing.assert_allclose(out[[0, 1, 3]], [[0, 0], [np.pi / 2, 0], [np.pi / 4, 0]], atol=1e-6)
    np.testing.assert_allclose(out[2], [np.pi / 4, 0], atol=1e-3)  # the cosine is flat there
    assert out[4, 1] == pytest.approx(np.pi)  # folded up
    np.testing.assert_allclose(out[5], [np.arctan(0.01), 0], atol=1e-6)


def test_the_float_and_the_double_arm_agree() -> None:
    x = drawn("inversek2j").x
    a, b = kernel_of("inversek2j").exact(x), kernel_of("inversek2j_double").exact(x)
    assert np.median(np.abs(a - b)) < 1e-7
    assert np.abs(a - b).max() < 1e-3


def test_bessel() -> None:
    samples = drawn("bessel_jnu")
    np.testing.assert_allclose(samples.y[:, 0], jv(*samples.x.astype(np.float64).T), atol=6e-7)


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 20, width=32), st.floats(0, 5, width=32, allow_subnormal=False))
def test_bessel_beyond_its_box(nu: float, x: float) -> None:
    assert exact("bessel_jnu", (nu, x))[0, 0] == pytest.approx(jv(nu, x), abs=5e-5)


def test_bessel_knows_its_limits() -> None:
    assert exact("bessel_jnu", (0.0, 0.0), (0.5, 0.0))[:, 0].tolist() == [1.0, 0.0]
    assert np.isnan(exact("bessel_jnu", (-0.1, 0.5), (0.5, -0.1), (21, 1), (1, 6), (np.nan, 1), (1, np.inf))).all()


def option_price(x: NDArray[np.float64]) -> NDArray[np.float64]:
    spot, strike, rate, volatility, years, kind = x.T
    forward = spot * np.exp(rate * years)
    spread = volatility * np.sqrt(years)
    d = np.log(forward / strike) / spread
    sign = np.where(kind < 0.5, 1.0, -1.0)
    undiscounted = sign * (forward * norm.cdf(sign * (d + spread / 2)) - strike * norm.cdf(sign * (d - spread / 2)))
    return np.exp(-rate * years) * undiscounted


def test_blackscholes() -> None:
    samples = drawn("blackscholes")
    np.testing.assert_allclose(samples.y[:, 0], option_price(samples.x.astype(np.float64)), atol=1e-4)
    assert set(samples.x[:, 5].tolist()) == {0.0, 1.0}


def test_blackscholes_by_the_book() -> None:
    """J. C. Hull, "Options, Futures, and Other Derivatives", the example of chapter 15: call 4.76, put 0.81."""
    terms = (42.0, 40.0, 0.1, 0.2, 0.5)
    assert exact("blackscholes", (*terms, 0.0), (*terms, 1.0))[:, 0].round(2).tolist() == [4.76, 0.81]


def test_blackscholes_keeps_put_call_parity() -> None:
    x = drawn("blackscholes").x
    calls, puts = x.copy(), x.copy()
    calls[:, 5], puts[:, 5] = 0, 1
    kernel = kernel_of("blackscholes")
    spot, strike, rate, _, years, _ = x.astype(np.float64).T
    difference = (kernel.exact(calls) - kernel.exact(puts))[:, 0]
    np.testing.assert_allclose(difference, spot - strike * np.exp(-rate * years), atol=1e-4)


def test_blackscholes_is_never_negative_and_nan_stays_nan() -> None:
    x = drawn("blackscholes").x.copy()
    x[:, 1] = 250.0
    x[:, 3] = 0.1
    assert kernel_of("blackscholes").exact(x).min() >= 0
    assert np.isnan(exact("blackscholes", (np.nan, 40, 0.1, 0.2, 0.5, 0), (42, -1, 0.1, 0.2, 0.5, 0))).all()


def test_fft() -> None:
    samples = drawn("fft")
    turn = np.exp(2j * np.pi * samples.x[:, 0].astype(np.float64))
    np.testing.assert_allclose(samples.y, np.stack([turn.imag, turn.real], axis=1), atol=6e-7)


def test_sobel() -> None:
    samples = drawn("sobel", 500)
    smooth, slope = np.array([1, 2, 1]), np.array([1, 0, -1])
    for window, magnitude in zip(samples.x.astype(np.float64).reshape(-1, 3, 3), samples.y[:, 0], strict=True):
        across = convolve2d(window, np.outer(smooth, slope), mode="valid")[0, 0]
        down = convolve2d(window, np.outer(slope, smooth), mode="valid")[0, 0]
        assert magnitude == pytest.approx(min(1.0, np.hypot(across, down)), abs=1e-6)


def test_kmeans() -> None:
    samples = drawn("kmeans")
    pixel, centre = samples.x[:, :3].astype(np.float64), samples.x[:, 3:].astype(np.float64)
    np.testing.assert_allclose(samples.y[:, 0], np.linalg.norm(pixel - centre, axis=1) / np.sqrt(3), atol=1e-6)
    assert exact("kmeans", (0, 0, 0, 1, 1, 1))[0, 0] == pytest.approx(1.0)


# ITU-T T.81, table K.1, in the zigzag order in which a JPEG file transmits it.
LUMINANCE_ZIGZAG = [
    *(16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51),
    *(61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77),
    *(113, 121, 112, 100, 120, 92, 101, 103, 99),
]


def luminance_steps() -> NDArray[np.float64]:
    """Lay the zigzag out: along the diagonals, alternately upwards and downwards."""
    places = [(i, j) for i in range(8) for j in range(8)]
    places.sort(key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]))
    steps = np.zeros((8, 8))
    for place, step in zip(places, LUMINANCE_ZIGZAG, strict=True):
        steps[place] = step
    return steps


def test_jpeg() -> None:
    samples = drawn("jpeg", 1000)
    steps = luminance_steps()
    blocks = 255.0 * samples.x.astype(np.float64).reshape(-1, 8, 8) - 128.0
    levels = scipy_fft.dctn(blocks, axes=(1, 2), norm="ortho") / steps
    found = 255.0 * samples.y.astype(np.float64).reshape(-1, 8, 8) / steps
    np.testing.assert_allclose(found, np.round(found), atol=1e-4)
    assert np.abs(found - levels).max() <= 0.5 + 1e-4
    clear = np.abs(levels - np.floor(levels) - 0.5) > 1e-4
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(np.round(found)[clear], np.round(levels)[clear])


def test_the_error_of_jpeg_is_that_of_the_decoded_pixels() -> None:
    y = drawn("jpeg", 200).y.astype(np.float64).reshape(-1, 8, 8)
    other = y + np.random.default_rng(0).normal(0, 0.05, y.shape)
    pixels, others = (scipy_fft.idctn(part, axes=(1, 2), norm="ortho") for part in (y, other))
    np.testing.assert_allclose(np.mean((pixels - others) ** 2, (1, 2)), np.mean((y - other) ** 2, (1, 2)))


def crosses(start: NDArray, end: NDArray, triangle: NDArray) -> tuple[NDArray, NDArray]:
    """Say for segments [N, 3] whether they cross triangles [N, 3, 3], and how far that is from changing."""
    a, b, c = triangle[:, 0], triangle[:, 1], triangle[:, 2]
    # start + t (end - start) = a + u (b - a) + v (c - a)
    system = np.stack([end - start, a - b, a - c], axis=2)
    t, u, v = np.linalg.solve(system, (a - start)[..., None])[..., 0].T
    room = np.min([t, 1 - t, u, v, 1 - u - v], axis=0)
    return room > 0, np.abs(room)


def triangles_meet(x: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Two triangles that do not lie in one plane meet where an edge of one crosses the other."""
    first, second = x[:, :9].reshape(-1, 3, 3), x[:, 9:].reshape(-1, 3, 3)
    meet, slack = np.zeros(len(x), bool), np.full(len(x), np.inf)
    for one, other in [(first, second), (second, first)]:
        for i in range(3):
            hit, room = crosses(one[:, i], one[:, (i + 1) % 3], other)
            meet |= hit
            slack = np.minimum(slack, room)
    return meet, slack


def test_jmeint() -> None:
    samples = drawn("jmeint", 20_000)
    meet, slack = triangles_meet(samples.x.astype(np.float64))
    clear = slack > 1e-4
    assert clear.mean() > 0.98
    assert 0.1 < meet.mean() < 0.9
    np.testing.assert_array_equal(samples.y[clear, 0], meet[clear])


def test_jmeint_does_not_care_about_order() -> None:
    samples = drawn("jmeint", 5000)
    kernel, corners = kernel_of("jmeint"), samples.x.reshape(-1, 2, 3, 3)
    swapped = kernel.exact(corners[:, ::-1].reshape(-1, 18))
    turned = kernel.exact(corners[:, :, [2, 0, 1]].reshape(-1, 18))
    mirrored = kernel.exact(corners[:, :, [1, 0, 2]].reshape(-1, 18))
    for other in (swapped, turned, mirrored):
        assert (other != samples.y).mean() < 1e-3  # only where rounding decides


FLAT = (0, 0, 0, 1, 0, 0, 0, 1, 0)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ((0.1, 0.1, 0, 0.3, 0.1, 0, 0.1, 0.3, 0), 1),  # inside it, in its plane
        ((-9, -9, 0, 20, -9, 0, -9, 20, 0), 1),  # around it, in its plane
        ((0.9, 0.9, 0, 2, 0.9, 0, 0.9, 2, 0), 0),  # beside it, in its plane
        ((0.5, -0.5, 0, 0.6, 0.5, 0, 0.7, -0.5, 0), 1),  # across an edge, in its plane
        ((1, 0, 0, 2, 0, 0, 2, 1, 0), 1),  # a corner in common, in one plane
        ((0, 0, 0.1, 1, 0, 0.1, 0, 1, 0.1), 0),  # above it
        ((0.2, 0.2, 0, 0.2, 0.2, 1, 0.4, 0.2, 1), 1),  # standing on it with a corner
        ((0.2, 0.2, -1, 0.2, 0.2, 1, 0.4, 0.2, 1), 1),  # through it
        ((0.8, 0.8, -1, 0.8, 0.8, 1, 0.9, 0.8, 1), 0),  # through its plane, beside it
        ((0.2, 0, 0, 0.8, 0, 0, 0.5, -1, 1), 1),  # an edge in common
        ((0.2, 0.2, 0, 0.2, 0.2, 0, 0.2, 0.2, 0), 0),  # no triangle at all
    ],
)
def test_jmeint_in_special_positions(second: tuple[float, ...], expected: int) -> None:
    for axis in range(3):  # the same scene in each of the three planes
        flat, other = (np.roll(np.reshape(triangle, (3, 3)), axis, axis=1).ravel() for triangle in (FLAT, second))
        assert exact("jmeint", (*flat, *other), (*other, *flat))[:, 0].tolist() == [expected, expected], axis


def test_wetbulb() -> None:
    """WMO-No. 8, annex 4.B, solved by bisection in double."""
    samples = drawn("wetbulb", 500)

    def surplus(wet: float, air: float, humidity: float, pressure: float) -> float:
        def saturation(t: float) -> float:
            return (1.0016 + 3.15e-6 * pressure - 0.074 / pressure) * 6.112 * np.exp(17.62 * t / (243.12 + t))

        vapour = saturation(wet) - 6.53e-4 * (1 + 0.000944 * wet) * pressure * (air - wet)
        return vapour - humidity / 100 * saturation(air)

    for row, found in zip(samples.x.astype(float).tolist(), samples.y[:, 0], strict=True):
        assert found == pytest.approx(brentq(surplus, -30, row[0] + 0.01, args=tuple(row)), abs=2e-4)


def test_wetbulb_against_another_author() -> None:
    """R. Stull, "Wet-Bulb Temperature from Relative Humidity and Air Temperature", JAMC 50 (2011), at 1013.25 hPa.

    His example is 13.7 degrees for 20 degrees and 50 %; his fit is said to be off by less than 0.3 K in the mean, and
    by 1 K at worst.
    """
    assert exact("wetbulb", (20.0, 50.0, 1013.25))[0, 0] == pytest.approx(13.7, abs=0.15)
    air, humidity = (grid.ravel() for grid in np.meshgrid(np.arange(5.0, 45.0, 2.5), np.arange(30.0, 99.0, 5.0)))
    stull = air * np.arctan(0.151977 * np.sqrt(humidity + 8.313659)) + np.arctan(air + humidity)
    stull += -np.arctan(humidity - 1.676331) + 0.00391838 * humidity**1.5 * np.arctan(0.023101 * humidity) - 4.686035
    found = exact("wetbulb", *zip(air, humidity, np.full_like(air, 1013.25), strict=True))[:, 0]
    assert np.abs(stull - found).mean() < 0.3
    assert np.abs(stull - found).max() < 1.0


def test_wetbulb_of_saturated_air_is_its_temperature() -> None:
    air = np.arange(0.0, 46.0, 5.0)
    np.testing.assert_allclose(exact("wetbulb", *((t, 100.0, 900.0) for t in air))[:, 0], air, atol=1e-4)


def sun_of_the_almanac(days_since_2000: float, latitude: float, hour_angle_offset: float) -> tuple[float, float]:
    """Azimuth and elevation by J. Michalsky, "The Astronomical Almanac's algorithm", Solar Energy 40 (1988).

    Args:
        days_since_2000: from 2000-01-01 12:00 UT.
        latitude: degrees.
        hour_angle_offset: east longitude, degrees.
    """
    n = days_since_2000
    mean, anomaly = np.radians(280.460 + 0.9856474 * n), np.radians(357.528 + 0.9856003 * n)
    ecliptic = mean + np.radians(1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    obliquity = np.radians(23.439 - 4e-7 * n)
    ascension = np.arctan2(np.cos(obliquity) * np.sin(ecliptic), np.cos(ecliptic))
    declination = np.arcsin(np.sin(obliquity) * np.sin(ecliptic))
    sidereal = np.radians(15 * (6.697375 + 0.0657098242 * n + (n + 0.5) % 1 * 24) + hour_angle_offset)
    h, phi = sidereal - ascension, np.radians(latitude)
    up = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(h)
    north = np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(h)
    east = -np.cos(declination) * np.sin(h)
    return np.degrees(np.arctan2(east, north)) % 360, np.degrees(np.arcsin(up))


def test_sunpos_against_the_almanac() -> None:
    """Over four years, since a day of the year is not tied to the sun more closely than half a day."""
    rng = np.random.default_rng(0)
    for _ in range(400):
        n, latitude = 365.25 * 20 + rng.uniform(0, 4 * 365.25), rng.uniform(30, 60)
        azimuth, elevation = sun_of_the_almanac(n, latitude, 0.0)
        since = np.datetime64("2000-01-01T12:00") + np.timedelta64(round(n * 86400), "s")
        day = float((since - since.astype("M8[Y]").astype("M8[s]")) / np.timedelta64(1, "D"))
        found = exact("sunpos", (np.floor(day) + 1, 24 * (day % 1), latitude))[0]
        turned = (found[0] - azimuth + 180) % 360 - 180
        assert found[1] == pytest.approx(elevation, abs=0.35)
        assert abs(turned) * np.cos(np.radians(elevation)) < 0.35


def test_sunpos_against_the_published_example() -> None:
    """Reda and Andreas, "Solar Position Algorithm", NREL/TP-560-34302 (2008), appendix A.5.

    2003-10-17, 12:30:30 at UT - 7 h, 39.742476 N, 105.1786 W: azimuth 194.34024, elevation before refraction 39.872.
    """
    hour = 12 + 30.5 / 60 + 7 - 105.1786 / 15
    azimuth, elevation = exact("sunpos", (290.0, hour, 39.742476))[0]
    assert azimuth == pytest.approx(194.34, abs=0.4)
    assert elevation == pytest.approx(39.872, abs=0.2)


@pytest.mark.parametrize("latitude", [30.0, 45.0, 60.0])
@pytest.mark.parametrize("day", [1.0, 80.0, 172.0, 307.0, 365.0])
def test_the_azimuth_never_jumps(latitude: float, day: float) -> None:
    hours = np.linspace(0, 24, 4801)
    azimuth = exact("sunpos", *((day, hour, latitude) for hour in hours))[:, 0]
    steps = np.diff(azimuth)
    assert steps.min() > 0
    assert steps.max() < 1.0  # 0.3 minutes; fastest near the zenith
    assert azimuth[-1] - azimuth[0] == pytest.approx(360, abs=1)
    assert abs(azimuth[0]) < 20  # the equation of time is up to 4 degrees, and the sun is near the nadir


def test_the_sun_is_up_in_every_sample() -> None:
    elevation = drawn("sunpos", 20_000).y[:, 1]
    assert elevation.min() > -0.3
    assert elevation.max() < 84


def test_windows_look_like_pictures() -> None:
    """Neighbours are alike, levels are those of a camera of eight bits, and few windows are plain."""
    for name, side in [("sobel", 3), ("jpeg", 8)]:
        windows = drawn(name, 4000).x.reshape(-1, side, side).astype(np.float64)
        np.testing.assert_allclose(255 * windows, np.round(255 * windows), atol=1e-4)
        assert np.corrcoef(windows[:, :, 1:].ravel(), windows[:, :, :-1].ravel())[0, 1] > 0.9
        assert np.corrcoef(windows[:, 1:].ravel(), windows[:, :-1].ravel())[0, 1] > 0.9
        assert (np.ptp(windows, axis=(1, 2)) == 0).mean() < 0.15
        assert 0.2 < (np.ptp(windows, axis=(1, 2)) > 0.2).mean() < 0.8


def test_the_answers_are_spread_out() -> None:
    """A target that one constant meets would make every gate look good."""
    for name in ("sobel", "kmeans", "wetbulb", "bessel_jnu", "fft"):
        kernel = kernel_of(name)
        y = drawn(name, 20_000).y[:, 0]
        near = max(np.mean(np.abs(y - value) <= kernel.error.bound) for value in np.linspace(y.min(), y.max(), 200))
        assert near < 0.5, name
