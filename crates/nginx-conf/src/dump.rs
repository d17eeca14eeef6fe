//! `-T`: every file once, as nginx shows them.

use diagnostic::Sources;

/// The text of `nginx -T`: for each file a line with its name, its contents, and a line feed.
pub fn dump(sources: &Sources) -> Vec<u8> {
    let mut text = Vec::new();
    for (_, source) in sources.files().filter(|(_, source)| source.path().as_os_str() != "-g") {
        text.extend_from_slice(b"# configuration file ");
        text.extend_from_slice(source.path().as_os_str().as_encoded_bytes());
        text.extend_from_slice(b":\n");
        text.extend_from_slice(source.bytes());
        text.push(b'\n');
    }
    text
}
