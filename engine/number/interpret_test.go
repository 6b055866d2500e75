package number

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/cognate-bi/cognate/storage/dual"
)

func settings(t testing.TB, pairs ...string) *Locale {
	t.Helper()
	l := Default()
	for i := 0; i < len(pairs); i += 2 {
		var ok bool
		if l, ok = l.With(pairs[i], pairs[i+1]); !ok {
			t.Fatalf("%s is no setting", pairs[i])
		}
	}
	return l
}

func TestInterpret(t *testing.T) {
	us := settings(t, "DateFormat", "M/D/YYYY", "TimeFormat", "h:mm:ss TT", "TimestampFormat", "M/D/YYYY h:mm:ss[.fff] TT")
	plain := Default()
	blank := settings(t, "ThousandSep", " ", "DateFormat", "DD.MM.YYYY")
	german := settings(t, "ThousandSep", ".", "DecimalSep", ",")
	for _, tt := range []struct {
		l    *Locale
		text string
		want float64 // NaN = pure text
		why  string
	}{
		{plain, "12", 12, "c079"},
		{plain, "1e3", 1000, "c079"},
		{plain, "007", 7, "c079"},
		{plain, " 5 ", 5, "blanks are trimmed"},
		{plain, "-1.5", -1.5, "sign"},
		{plain, "1,000.50", 1000.5, "thousands"},
		{plain, "294,574", 294574, "s04"},
		{plain, "43,850", 43850, "s04"},
		{plain, "1,4", math.NaN(), "s04"},
		{plain, "15,85", math.NaN(), "s04"},
		{plain, "879,1000", math.NaN(), "s04"},
		{plain, "1234,567", math.NaN(), "group after four digits"},
		{plain, "5%", math.NaN(), "c079"},
		{plain, "abc", math.NaN(), "c079"},
		{plain, "", math.NaN(), "empty is text"},
		{plain, "TRUE", math.NaN(), "no number"},
		{plain, "0x10", math.NaN(), "no number"},
		{plain, "1e999", math.NaN(), "no infinity"},
		{plain, "Infinity", math.NaN(), "no infinity"},
		{plain, "12345678901234567890123", 12345678901234567890123, "long"},
		{plain, "2024-03-05", 45356, "DateFormat"},
		{plain, "12:30:00", 0.5208333333333334, "TimeFormat"},
		{plain, "2024-03-05 06:00:00", 45356.25, "TimestampFormat"},
		{plain, "$1,000.50", 1000.5, "money"},
		{plain, "-$5.00", -5, "money, negative section"},
		{us, "03/05/14", 41703, "two-digit year where the format says YYYY"},
		{us, "3/5/2014", 41703, "DateFormat"},
		{us, "22/12/14", math.NaN(), "month above 12"},
		{us, "27/9/2018", math.NaN(), "month above 12"},
		{us, "2018-04-01", 43191, "ISO under another format"},
		{us, "2021-03-28 01:00", 44283.041666666664, "s05"},
		{us, "2021-03-28 04:00", 44283.166666666664, "s05"},
		{us, "1:30:00 PM", 0.5625, "TT"},
		{us, "3/5/2014 1:30:00.500 PM", 41703.5625 + 0.5/86400, "optional fraction"},
		{us, "PTD", math.NaN(), "text"},
		{us, "2/30/2014", math.NaN(), "no such day"},
		{blank, "46.230", 46.23, "s06"},
		{blank, "1 000", 1000, "blank as separator"},
		{blank, "05.03.2024", 45356, "DateFormat"},
		{german, "1.234,56", 1234.56, "decimal comma"},
		{german, "1.5", math.NaN(), "group of one digit"},
	} {
		got := tt.l.Interpret(tt.text)
		if math.IsNaN(tt.want) != !got.HasNum() || got.HasNum() && got.Num != tt.want {
			t.Errorf("%q = %+v, want %v: %s", tt.text, got, tt.want, tt.why)
		}
		if got.Text != trim(tt.text) {
			t.Errorf("%q lost its text: %q", tt.text, got.Text)
		}
	}
}

func TestParse(t *testing.T) {
	l := Default()
	for _, tt := range []struct {
		kind, text, pattern string
		want                float64
	}{
		{"date", "20240305", "YYYYMMDD", 45356},
		{"date", "05.03.2024", "DD.MM.YYYY", 45356},
		{"date", "2024-13-45", "YYYY-MM-DD", math.NaN()},
		{"date", "5 Mar 2024", "D MMM YYYY", 45356},
		{"date", "5 march 2024", "D MMM YYYY", 45356},
		{"date", "01/02/2018", "MM/DD/YYYY", 43102},
		{"date", "2024-03-05 06:00:00", "YYYY-MM-DD hh:mm:ss", 45356.25},
		{"date", "2024-03-05T06:00", "YYYY-MM-DDThh:mm", 45356.25},
		{"date", "18:30", "hh:mm", 0.7708333333333334},
		{"date", "2024-03", "YYYY-MM", 45352},
		{"date", "2024", "YYYY", 45292},
		{"date", "2024-03-05x", "YYYY-MM-DD", math.NaN()},
		{"interval", "36:00", "hh:mm", 1.5},
		{"interval", "1 12:00", "D hh:mm", 1.5},
		{"interval", "-36:00", "hh:mm", -1.5},
		{"interval", "36:75", "hh:mm", math.NaN()},
		{"num", "ff", "(hex)", 255},
		{"num", "1101", "(bin)", 13},
		{"num", "VII", "(ROM)", 7},
		{"num", "50%", "0%", 0.5},
		{"num", "1.234", "", 1.234},
		{"num", "abc", "0", math.NaN()},
		{"money", "$12.50", "", 12.5},
	} {
		parse := map[string]func() (float64, bool){
			"date":     func() (float64, bool) { return l.ParseDate(tt.text, tt.pattern) },
			"interval": func() (float64, bool) { return l.ParseInterval(tt.text, tt.pattern) },
			"num":      func() (float64, bool) { return l.ParseNum(tt.text, tt.pattern, "", "") },
			"money":    func() (float64, bool) { return l.ParseMoney(tt.text, tt.pattern, "", "") },
		}[tt.kind]
		x, ok := parse()
		if ok == math.IsNaN(tt.want) || ok && x != tt.want {
			t.Errorf("%s %q by %q = %v, %v; want %v", tt.kind, tt.text, tt.pattern, x, ok, tt.want)
		}
	}
	if x, ok := l.ParseNum("1.234,56", "#.##0,00", ",", "."); !ok || x != 1234.56 {
		t.Errorf("1.234,56 = %v, %v", x, ok)
	}
}

// Reading must agree with strconv, which rounds correctly, on whatever it writes.
func TestReadNumberAgreesWithStrconv(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		x := math.Float64frombits(rng.Uint64())
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		for _, format := range []byte("eg") {
			s := strconv.FormatFloat(x, format, -1+rng.IntN(2)*12, 64)
			want, _ := strconv.ParseFloat(s, 64)
			if got, ok := readNumber(s, ".", ","); !ok || got != want {
				t.Fatalf("%s = %v, %v; want %v", s, got, ok, want)
			}
		}
	}
}

// A text that a date pattern makes is read back by it.
func TestDateRoundTrip(t *testing.T) {
	l := Default()
	for _, pattern := range []string{"YYYY-MM-DD", "D.M.YYYY", "WWWW, D MMMM YYYY", "YYYYMMDDhhmmss", "M/D/YYYY h:mm:ss TT"} {
		f := &dual.Format{Type: dual.Date, Pattern: pattern}
		for day := 1.0; day < 60000; day += 379 {
			s := l.FormatNum(day, f)
			if got, ok := l.ParseDate(s, pattern); !ok || got != day {
				t.Fatalf("%q by %q = %v, %v; want %v", s, pattern, got, ok, day)
			}
		}
	}
}

func FuzzInterpret(f *testing.F) {
	f.Add("2024-03-05", "#,##0.00;-0", "YYYY-MM-DD[.fff] TT")
	l := Default()
	f.Fuzz(func(t *testing.T, text, numbers, clock string) {
		l.Interpret(text)
		l.ParseNum(text, numbers, "", "")
		l.ParseInterval(text, clock)
		if x, ok := l.ParseDate(text, clock); ok {
			l.FormatNum(x, &dual.Format{Type: dual.Date, Pattern: clock})
			l.FormatNum(x, &dual.Format{Type: dual.Interval, Pattern: clock})
			l.FormatNum(x, &dual.Format{Pattern: numbers})
		}
	})
}

func BenchmarkInterpret(b *testing.B) {
	l := settings(b, "DateFormat", "M/D/YYYY")
	for _, text := range []string{"12345", "1234.5678", "294,574", "3/5/2014", "2018-04-01", "North America"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Interpret(text)
			}
		})
	}
}
