//! Numbers as text, without the machinery of formatting.

/// Appends a number in decimal digits.
pub fn write_decimal(mut number: u64, out: &mut Vec<u8>) {
    let digit = |unit| b'0' + (number / unit % 10) as u8;
    match number {
        0..10 => return out.push(digit(1)),
        10..100 => return out.extend_from_slice(&[digit(10), digit(1)]),
        100..1000 => return out.extend_from_slice(&[digit(100), digit(10), digit(1)]),
        _ => {}
    }
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits() {
        for number in [0, 7, 10, 99, 100, 999, 1000, 4096, u64::MAX] {
            let mut out = Vec::new();
            write_decimal(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
