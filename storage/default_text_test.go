package storage

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	locale "github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// locales are ways in which numbers are shown.
func locales() map[string]func(dual.Value) string {
	l := locale.Default()
	comma, _ := l.With("DecimalSep", ",")
	none, _ := l.With("DecimalSep", "")
	return map[string]func(dual.Value) string{
		"point": l.Text, "comma": comma.Text, "none": none.Text,
		"shortest": func(v dual.Value) string { return strconv.FormatFloat(v.Num, 'f', -1, 64) },
	}
}

// sameDefault compares what is found out without a text with the definition.
func sameDefault(t *testing.T, name string, show func(dual.Value) string, text string, x float64) {
	t.Helper()
	if math.IsNaN(x) {
		return
	}
	x += 0 // -0 and 0 are one value
	d := defaults{show: show}
	want := show(dual.Number(x)) == text
	if got := d.isDefault(dual.Value{Num: x, Text: text, Kind: dual.Both}); got != want {
		t.Fatalf("%s: %q of %v: default %v, want %v, which is shown as %q", name, text, x, got, want, show(dual.Number(x)))
	}
}

// randomDecimal returns a text that looks like a number.
func randomDecimal(rng *rand.Rand) string {
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("0123456789"[rng.IntN(10)])
		}
		return b.String()
	}
	text := []string{"", "-", "+"}[max(0, rng.IntN(6)-3)]
	switch rng.IntN(8) {
	case 0:
		return text + digits(rng.IntN(18)) + "," + digits(rng.IntN(18))
	case 1:
		return text + digits(1) + "." + digits(rng.IntN(16)) + "e" + strconv.Itoa(rng.IntN(40)-20)
	case 2:
		return text + "0." + strings.Repeat("0", rng.IntN(7)) + digits(1+rng.IntN(17))
	case 3:
		return text + digits(1+rng.IntN(4)) + "." + digits(2)
	case 4:
		return text + strconv.FormatFloat(math.Exp(rng.Float64()*90-45), "efg"[rng.IntN(3)], rng.IntN(18), 64)
	case 5:
		return text + digits(rng.IntN(20))
	}
	return text + digits(rng.IntN(18)) + "." + digits(rng.IntN(18))
}

// TestDefaultText asks of random texts, with the number that they say, one
// near it and any other one.
func TestDefaultText(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, show := range locales() {
		is := 0
		for range 200_000 {
			text := randomDecimal(rng)
			x, _ := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
			switch rng.IntN(8) {
			case 0:
				x = math.Nextafter(x, math.Inf(rng.IntN(3)-1))
			case 1:
				x = rng.NormFloat64()
			case 2:
				text = show(dual.Number(x))
			}
			if show(dual.Number(x)) == text {
				is++
			}
			sameDefault(t, name, show, text, x)
		}
		if is < 10_000 {
			t.Errorf("%s: only %d texts are default ones", name, is)
		}
	}
}

func FuzzDefaultText(f *testing.F) {
	for _, text := range []string{"0.5", "-12.25", "1.50", "00.5", "0.0001", "0.00001", "123456789012345.6", "99999999999999.9", "0,5", "1e-5", "-0.0", ".5", "5.", "0.1"} {
		x, _ := strconv.ParseFloat(text, 64)
		f.Add(text, x)
	}
	f.Add("0.3", 0.1+0.2)
	f.Fuzz(func(t *testing.T, text string, x float64) {
		for name, show := range locales() {
			if name != "shortest" { // which does not write exponents
				sameDefault(t, name, show, text, x)
			}
		}
	})
}
