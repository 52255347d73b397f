//! What an RSA public key must be before it is trusted with anything.

use crate::Error;

/// Smallest modulus, in bytes: 2048 bits (RFC 7518 §3.3).
const MODULUS_BYTES_MIN: usize = 256;
/// Largest modulus, in bytes: verification costs grow with its square, and others choose the key.
const MODULUS_BYTES_MAX: usize = 1024;
/// Longest exponent, in bytes: verification costs grow with its length.
const EXPONENT_BYTES_MAX: usize = 4;
/// Smallest exponent: below it lie the attacks on low exponents (FIPS 186-5 §A.1.1).
const EXPONENT_MIN: u64 = 65_537;

/// The odd primes by which the fingerprint of CVE-2017-15361 ("ROCA") shows.
const SMALL_PRIMES: [u64; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Checks modulus and exponent, both big-endian without leading zeros.
///
/// # Errors
/// [`Error::KeyMember`] for an encoding that is not minimal (RFC 7518 §2), [`Error::KeyWeak`] for
/// sizes out of range, even numbers, a small factor, or a modulus of the ROCA generator.
pub(crate) fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), Error> {
    let modulus_top = *modulus.first().filter(|byte| **byte != 0).ok_or(Error::KeyMember("n"))?;
    exponent.first().filter(|byte| **byte != 0).ok_or(Error::KeyMember("e"))?;
    // A full-length modulus of the smallest size has its top bit set.
    match modulus.len() {
        0..MODULUS_BYTES_MIN => return Err(Error::KeyWeak("modulus too short")),
        MODULUS_BYTES_MIN if modulus_top < 0x80 => {
            return Err(Error::KeyWeak("modulus too short"));
        }
        MODULUS_BYTES_MIN..=MODULUS_BYTES_MAX => {}
        _ => return Err(Error::KeyWeak("modulus too long")),
    }
    if exponent.len() > EXPONENT_BYTES_MAX {
        return Err(Error::KeyWeak("exponent too large"));
    }
    let exponent_value = exponent.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    if exponent_value < EXPONENT_MIN {
        return Err(Error::KeyWeak("exponent too small"));
    }
    if exponent_value % 2 == 0 {
        return Err(Error::KeyWeak("exponent even"));
    }
    check_factors(modulus)
}

fn check_factors(modulus: &[u8]) -> Result<(), Error> {
    if modulus.last().is_none_or(|byte| byte % 2 == 0) {
        return Err(Error::KeyWeak("modulus has a small factor"));
    }
    let mut fingerprinted = true;
    for prime in SMALL_PRIMES {
        let rest = modulus.iter().fold(0, |rest, byte| (rest << 8 | u64::from(*byte)) % prime);
        if rest == 0 {
            return Err(Error::KeyWeak("modulus has a small factor"));
        }
        fingerprinted &= is_power_of_65537(rest, prime);
    }
    // Primes of that generator are powers of 65537 modulo each small prime, so their product is
    // too. A sound modulus passes for one with a chance of one in two hundred million.
    if fingerprinted { Err(Error::KeyWeak("modulus is of a broken generator")) } else { Ok(()) }
}

fn is_power_of_65537(rest: u64, prime: u64) -> bool {
    let mut power = 1;
    for _ in 1..prime {
        if power == rest {
            return true;
        }
        power = power * 65_537 % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const E: [u8; 3] = [1, 0, 1];

    /// An odd number of so many bytes, free of small factors and of the fingerprint.
    fn modulus(bytes: usize) -> Vec<u8> {
        let mut number = vec![0; bytes];
        number[0] = 0xc1;
        for low in (1..u16::MAX).step_by(2) {
            let at = bytes - 2;
            number[at..].copy_from_slice(&low.to_be_bytes());
            if check_factors(&number).is_ok() {
                return number;
            }
        }
        panic!("no such number")
    }

    #[test]
    fn sizes_from_2048_to_8192_bits_are_accepted() {
        let table = [
            (128, Err(Error::KeyWeak("modulus too short"))),
            (255, Err(Error::KeyWeak("modulus too short"))),
            (256, Ok(())),
            (512, Ok(())),
            (1024, Ok(())),
            (1025, Err(Error::KeyWeak("modulus too long"))),
        ];
        for (bytes, expected) in table {
            assert_eq!(check(&modulus(bytes), &E), expected, "{bytes}");
        }
        let mut one_bit_short = modulus(256);
        one_bit_short[0] = 0x7f;
        assert_eq!(check(&one_bit_short, &E), Err(Error::KeyWeak("modulus too short")));
    }

    #[test]
    fn exponents_are_odd_and_between_17_and_32_bits() {
        let small = Err(Error::KeyWeak("exponent too small"));
        let table: [(&[u8], Result<(), Error>); 10] = [
            (&[1, 0, 1], Ok(())),
            (&[0xff, 0xff, 0xff, 0xff], Ok(())),
            (&[1], small),
            (&[3], small),
            (&[0xff, 0xff], small),
            (&[1, 0, 2], Err(Error::KeyWeak("exponent even"))),
            (&[1, 0, 0, 0, 1], Err(Error::KeyWeak("exponent too large"))),
            (&[0, 1, 0, 1], Err(Error::KeyMember("e"))),
            (&[0], Err(Error::KeyMember("e"))),
            (&[], Err(Error::KeyMember("e"))),
        ];
        for (exponent, expected) in table {
            assert_eq!(check(&modulus(256), exponent), expected, "{exponent:?}");
        }
    }

    #[test]
    fn a_modulus_has_no_leading_zero_and_no_small_factor() {
        let padded = [vec![0], modulus(256)].concat();
        assert_eq!(check(&padded, &E), Err(Error::KeyMember("n")));
        assert_eq!(check(&[], &E), Err(Error::KeyMember("n")));
        let factor = Err(Error::KeyWeak("modulus has a small factor"));
        assert_eq!(check(&[0xff; 256], &E), factor);
        let mut even = modulus(256);
        even[255] ^= 1;
        assert_eq!(check(&even, &E), factor);
    }

    #[test]
    fn a_modulus_of_the_roca_generator_is_refused() {
        // 65537^128 has 2049 bits and the residues such a generator leaves.
        let mut power = vec![1u8];
        for _ in 0..128 {
            let shifted = [power.as_slice(), &[0, 0]].concat();
            let mut sum = shifted.clone();
            let mut carry = 0u16;
            for (at, byte) in sum.iter_mut().rev().enumerate() {
                let other = power.len().checked_sub(at + 1).map_or(0, |i| power[i]);
                let total = u16::from(*byte) + u16::from(other) + carry;
                *byte = total.to_be_bytes()[1];
                carry = total >> 8;
            }
            assert_eq!(carry, 0);
            power = sum;
        }
        let broken = Err(Error::KeyWeak("modulus is of a broken generator"));
        assert_eq!(check(&power, &E), broken);
    }
}
