//! RFC 7515 appendix A, RFC 8037 appendix A.

use assent_jose::{
    Algorithm, CompactJws, Error, HmacKey, Jwks, SigningKey, base64url_decode, base64url_encode,
};

use crate::support::public_key;

const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS\
    9pc19yb290Ijp0cnVlfQ";

const A2_MODULUS: &str = "\
    ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d\
    4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMd\
    bBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-\
    DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

const A4_X: &str =
    "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk";

const A4_Y: &str =
    "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2";

fn assert_claims_of_joe(claims: &assent_jose::Claims) {
    assert_eq!(claims.text("iss"), Ok(Some("joe")));
    assert_eq!(claims.time("exp"), Ok(Some(1_300_819_380)));
    assert_eq!(claims.get("http://example.com/is_root"), Some(&true.into()));
}

#[test]
fn a1_hs256_verifies() {
    let secret = base64url_decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    );
    let token = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{CLAIMS}.\
         dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let jws = CompactJws::parse(&token).unwrap();
    assert!(jws.typ_is("JWT"));
    assert_claims_of_joe(&jws.verify_hmac(&HmacKey::new(&secret.unwrap())).unwrap());
    let other = HmacKey::new(&[0; 64]);
    assert_eq!(jws.verify_hmac(&other), Err(Error::SignatureInvalid));
}

#[test]
fn a2_rs256_verifies() {
    let keys =
        Jwks::parse(&format!(r#"{{"keys":[{{"kty":"RSA","e":"AQAB","n":"{A2_MODULUS}"}}]}}"#));
    let token = format!(
        "eyJhbGciOiJSUzI1NiJ9.{CLAIMS}.\
         cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt\
         _O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArL\
         IARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7no\
         OPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ\
         Ge77Rw"
    );
    let jws = CompactJws::parse(&token).unwrap();
    assert_claims_of_joe(&jws.verify_with(&keys.unwrap(), &[Algorithm::RS256]).unwrap());
}

#[test]
fn a3_es256_verifies() {
    let keys = Jwks::parse(
        r#"{"keys":[{"kty":"EC","crv":"P-256",
            "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#,
    );
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.{CLAIMS}.\
         DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    let jws = CompactJws::parse(&token).unwrap();
    assert_claims_of_joe(&jws.verify_with(&keys.unwrap(), &[Algorithm::ES256]).unwrap());
}

#[test]
fn a4_es512_verifies() {
    let key = public_key(&format!(r#"{{"kty":"EC","crv":"P-521","x":"{A4_X}","y":"{A4_Y}"}}"#));
    // The payload is not JSON, so the signature is checked below the level of tokens.
    let signature = base64url_decode(
        "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7Xdt\
         AG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
    );
    let input = b"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA";
    assert_eq!(key.unwrap().verify(Algorithm::ES512, input, &signature.unwrap()), Ok(()));
}

#[test]
fn a5_unsecured_is_refused() {
    let token = format!("eyJhbGciOiJub25lIn0.{CLAIMS}.");
    assert_eq!(CompactJws::parse(&token).err(), Some(Error::SignatureMissing));
    let token = format!("eyJhbGciOiJub25lIn0.{CLAIMS}.AA");
    assert_eq!(CompactJws::parse(&token).err(), Some(Error::AlgorithmUnknown));
}

#[test]
fn rfc8037_ed25519_verifies_and_is_reproduced() {
    let public = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let key = public_key(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{public}"}}"#)).unwrap();
    assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let expected =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let signature = base64url_decode(expected).unwrap();
    assert_eq!(key.verify(Algorithm::EdDSA, input, &signature), Ok(()));

    // Ed25519 is deterministic, so the private key must give the same signature again. The seed
    // is wrapped as PKCS#8 by hand (RFC 8410 §7).
    let seed = base64url_decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let der = [prefix.as_slice(), &seed].concat();
    let own = SigningKey::from_pkcs8(Algorithm::EdDSA, &der, "k".to_owned()).unwrap();
    assert_eq!(own.public_key().thumbprint(), key.thumbprint());
    assert_eq!(base64url_encode(&own.sign(input).unwrap()), expected);
}
