#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::keepalived_conf::read(data));
