// SPDX-License-Identifier: GPL-2.0

//! Numbers for people.

/// A size with a unit of at most three digits before the point: `1.5K`, or as it is below 1024.
pub fn size(bytes: i64) -> String {
    let sign = if bytes < 0 { "-" } else { "" };
    let bytes = bytes.unsigned_abs();
    let mut unit = 1u64;
    for name in ["", "K", "M", "G", "T", "P", "E"] {
        let whole = bytes / unit;
        if whole < 1024 {
            let tenths = (bytes % unit).saturating_mul(10) / unit;
            return if unit == 1 || whole >= 100 {
                format!("{sign}{whole}{name}")
            } else {
                format!("{sign}{whole}.{tenths}{name}")
            };
        }
        unit = unit.saturating_mul(1024);
    }
    format!("{sign}{bytes}")
}

/// A number of bytes with or without a unit, as `size` writes it: `4096`, `1.5K`, `1M`, `2KiB`.
pub fn parse_size(text: &str) -> Result<i64, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (digits, tenths) = match number.split_once('.') {
        // Of bytes there are no parts.
        Some((digits, tenths)) if tenths.len() == 1 && !matches!(unit, "" | "B") => {
            (digits, tenths)
        }
        Some(_) => ("", "0"),
        None => (number, "0"),
    };
    let shift = match unit {
        "" | "B" => 0,
        "K" | "k" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        "T" | "TiB" => 40,
        "P" | "PiB" => 50,
        _ => return Err(format!("{unit:?} is no unit: K, M, G, T and P are")),
    };
    let tenths = tenths.parse::<i64>().ok().map(|part| (part << shift) / 10);
    digits
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift)?.checked_add(tenths?))
        .ok_or_else(|| "it is no number of bytes: 4096, 4K and 1M are".to_owned())
}

/// So many things, whose name takes an s if they are not one.
pub fn count(number: u64, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

/// With a sign, unless it is zero.
pub fn signed(number: i128) -> String {
    match number {
        0 => "0".to_owned(),
        _ => format!("{number:+}"),
    }
}

/// So much in so many seconds, in a second.
pub fn rate(number: i128, seconds: f64) -> String {
    // Shown with one decimal: a double has more than enough digits for that.
    let rate = number as f64 / seconds;
    if rate.abs() < 0.05 {
        "0".to_owned()
    } else {
        format!("{rate:+.1}")
    }
}

/// A time in the two largest units: `45s`, `3m20s`, `2h05m`.
pub fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1536, "1.5K"),
            (-1536, "-1.5K"),
            (102_400, "100K"),
            (1_048_575, "1023K"),
            (1 << 20, "1.0M"),
            (i64::MAX, "7.9E"),
            (i64::MIN, "-8.0E"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn sizes_that_are_given() {
        assert_eq!(parse_size("4096"), Ok(4096));
        assert_eq!(parse_size("4K"), Ok(4096));
        assert_eq!(parse_size("1MiB"), Ok(1 << 20));
        assert_eq!(parse_size("1.5K"), Ok(1536));
        assert_eq!(parse_size("2.0T"), Ok(2 << 40));
        for bad in [
            "",
            "K",
            "-1",
            "4X",
            "99999999999G",
            "1.5",
            "1.55K",
            ".5K",
            "1.K",
            "1.5.1K",
        ] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn things() {
        assert_eq!(count(1, "block"), "1 block");
        assert_eq!(count(0, "block"), "0 blocks");
    }

    #[test]
    fn times() {
        for (seconds, text) in [(0, "0s"), (200, "3m20s"), (7500, "2h05m"), (90000, "1d01h")] {
            assert_eq!(duration(seconds), text);
        }
    }
}
