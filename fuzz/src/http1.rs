//! Heads of requests and responses, whole and in two pieces, and chunked bodies. The first byte says
//! where the cut is.

use http1::chunked::Decoder;
use http1::{HeadScan, Method, Scanned, parse_request, parse_response};

/// A head ends in the same place however it arrives, its parts lie within it, and a chunked body has the
/// same data however it is cut.
pub fn read(data: &[u8]) {
    let [cut, bytes @ ..] = data else { return };
    let cut = usize::from(*cut).min(bytes.len());
    let mut fields = Vec::new();
    for lenient in [false, true] {
        let whole = HeadScan::default().advance(bytes, lenient);
        let mut scan = HeadScan::default();
        let pieces = match scan.advance(&bytes[..cut], lenient) {
            Scanned::Partial => scan.advance(bytes, lenient),
            found => found,
        };
        assert_eq!(pieces, whole);
        let Scanned::Complete(length) = whole else { continue };
        assert!(length <= bytes.len());
        let head = &bytes[..length];
        if !lenient && parse_request(head, &mut fields).is_ok() {
            assert!(
                fields
                    .iter()
                    .all(|field| field.name.end as usize <= length && field.value.end as usize <= length)
            );
        }
        if let Ok(response) = parse_response(head, Method::Get, &mut fields) {
            assert!((100..1000).contains(&response.status));
            assert!(
                fields
                    .iter()
                    .all(|field| field.name.end as usize <= length && field.value.end as usize <= length)
            );
        }
    }
    let whole = body(&[bytes]);
    assert_eq!(body(&[&bytes[..cut], &bytes[cut..]]), whole);
}

/// The data of a body that arrives in pieces, and how many bytes it was; `None` for an invalid one.
fn body(pieces: &[&[u8]]) -> Option<(Vec<u8>, usize, bool)> {
    let (mut decoder, mut data, mut read) = (Decoder::default(), Vec::new(), 0);
    for piece in pieces {
        read += decoder.decode(piece, |bytes| data.extend_from_slice(bytes)).ok()?;
    }
    Some((data, read, decoder.is_done()))
}
