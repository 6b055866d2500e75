package main

import "testing"

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"8g": 8 << 30, "512M": 512 << 20, "1000": 1000, "off": 0, " 1t ": 1 << 40} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"g", "-1g", "0", "8 gb", "9000000000g", "1.5g"} {
		if n, err := parseBytes(text); err == nil {
			t.Errorf("%q is read as %d", text, n)
		}
	}
	if n, err := parseBytes("auto"); err != nil || n < 0 || n > memoryAllowed() {
		t.Errorf("auto: %d of %d, %v", n, memoryAllowed(), err)
	}
}
