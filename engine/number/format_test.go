package number

import (
	"math"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/storage/dual"
)

func TestFormatNum(t *testing.T) {
	l := Default()
	for _, tt := range []struct {
		x       float64
		f       dual.Format
		want    string
		because string
	}{
		{1234.567, dual.Format{Type: dual.Fix, Pattern: "#,##0.00"}, "1,234.57", "c075"},
		{0.5, dual.Format{Pattern: "0%"}, "50%", "c075"},
		{5, dual.Format{Pattern: "000"}, "005", "c075"},
		{1234567.891, dual.Format{Pattern: "#,##0"}, "1,234,568", "c075"},
		{-3.14159, dual.Format{Pattern: "0.00"}, "-3.14", "c075"},
		{1234.5, dual.Format{Pattern: "#.##0,00", Decimal: ",", Thousand: "."}, "1.234,50", "c075"},
		{1234.5, dual.Format{Pattern: "#"}, "1235", "half away from zero"},
		{2.5, dual.Format{Pattern: "0"}, "3", "half away from zero"},
		{-2.5, dual.Format{Pattern: "0"}, "-3", "half away from zero"},
		{2.675, dual.Format{Pattern: "0.00"}, "2.68", "half of what is displayed"},
		{0.005, dual.Format{Pattern: "0.00"}, "0.01", "rounding makes a digit"},
		{0.996, dual.Format{Pattern: "0.00"}, "1.00", "carry"},
		{99.96, dual.Format{Pattern: "0.0"}, "100.0", "carry"},
		{0.004, dual.Format{Pattern: "0.00"}, "0.00", "below half"},
		{-0.004, dual.Format{Pattern: "0.00"}, "0.00", "no minus on zero"},
		{13, dual.Format{Pattern: "(bin)"}, "1101", "radix"},
		{199, dual.Format{Pattern: "(HEX)"}, "C7", "radix, upper case"},
		{199, dual.Format{Pattern: "(hex)0000"}, "00c7", "padded"},
		{7, dual.Format{Pattern: "(ROM)"}, "VII", "roman"},
		{1944, dual.Format{Pattern: "(rom)"}, "mcmxliv", "roman"},
		{23, dual.Format{Pattern: "(r05)"}, "43", "base 5"},
		{-5, dual.Format{Type: dual.Money, Pattern: "$#,##0.00;-$#,##0.00"}, "-$5.00", "negative section"},
		{0, dual.Format{Pattern: "0;-0;none"}, "none", "zero section"},
		{1234567, dual.Format{Pattern: "#,##0.0A"}, "1.2M", "abbreviation"},
		{0.25, dual.Format{Pattern: "0.##"}, "0.25", "optional decimals"},
		{3, dual.Format{Pattern: "0.##"}, "3", "no decimal separator without decimals"},
		{0.1 + 0.2, dual.Format{Type: dual.Real, Pattern: "##############"}, "0.3", "REAL is the default text"},
		{1e20, dual.Format{Pattern: "#,##0"}, "100,000,000,000,000,000,000", "large"},
		{43101, dual.Format{Type: dual.Date}, "2018-01-01", "default date"},
		{45356, dual.Format{Type: dual.Date, Pattern: "WWW D MMM YYYY"}, "Tue 5 Mar 2024", "c076"},
		{45356, dual.Format{Type: dual.Date, Pattern: "D/M/YY"}, "5/3/24", "c076"},
		{45356.9, dual.Format{Type: dual.Date}, "2024-03-05", "c076"},
		{45356.75, dual.Format{Type: dual.Timestamp}, "2024-03-05 18:00:00", "optional fraction"},
		{45356.75 + 0.5/86400, dual.Format{Type: dual.Timestamp}, "2024-03-05 18:00:00.500", "optional fraction"},
		{45356.75, dual.Format{Type: dual.Timestamp, Pattern: "M/D/YYYY h:mm:ss[.fff] TT"}, "3/5/2024 6:00:00 PM", "12 hours"},
		{0, dual.Format{Type: dual.Time, Pattern: "h tt"}, "12 am", "midnight"},
		{45352 - 1.0/86400000, dual.Format{Type: dual.Timestamp, Pattern: "YYYY-MM-DD hh:mm:ss"}, "2024-02-29 23:59:59", "the last millisecond stays in its day"},
		{1.5, dual.Format{Type: dual.Interval, Pattern: "hh:mm"}, "36:00", "c078"},
		{1.5, dual.Format{Type: dual.Interval, Pattern: "D hh:mm"}, "1 12:00", "c078"},
		{0.25, dual.Format{Type: dual.Interval, Pattern: "h:mm"}, "6:00", "c078"},
		{1.0 / 24 / 60 * 90, dual.Format{Type: dual.Interval, Pattern: "mm"}, "90", "c078"},
		{-1.5, dual.Format{Type: dual.Interval, Pattern: "hh:mm"}, "-36:00", "negative"},
		{1e300, dual.Format{Type: dual.Date}, "1e+300", "no date"},
		{math.Inf(1), dual.Format{Type: dual.Date}, "+Inf", "no date"},
	} {
		if got := l.FormatNum(tt.x, &tt.f); got != tt.want {
			t.Errorf("%v by %q = %q, want %q: %s", tt.x, tt.f.Pattern, got, tt.want, tt.because)
		}
	}
}

func TestDefaultText(t *testing.T) {
	comma, _ := Default().With("DecimalSep", ",")
	for _, tt := range []struct {
		l    *Locale
		x    float64
		want string
	}{
		{Default(), 0.1, "0.1"},
		{Default(), 1.0 / 3, "0.333333333333333"},
		{Default(), 100000, "100000"},
		{Default(), 123456789012345, "123456789012345"},
		{Default(), -2.5, "-2.5"},
		{Default(), 1e15, "1e+15"},
		{Default(), 0.00001, "1e-05"},
		{Default(), 1234567.891, "1234567.891"},
		{comma, 2.5, "2,5"},
	} {
		if got := tt.l.FormatNum(tt.x, nil); got != tt.want {
			t.Errorf("%v = %q, want %q", tt.x, got, tt.want)
		}
	}
}

// The oracle is package time, which has the same calendar.
func TestSerialAgreesWithTime(t *testing.T) {
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	for day := -800000; day < 800000; day += 37 {
		d := epoch.AddDate(0, 0, day)
		if got := DateSerial(d.Year(), int(d.Month()), d.Day()); got != float64(day) {
			t.Fatalf("DateSerial(%v) = %v, want %d", d, got, day)
		}
		m, ok := SplitSerial(float64(day) + 0.5)
		if !ok || m.Year != d.Year() || m.Month != int(d.Month()) || m.Day != d.Day() || m.Hour != 12 ||
			m.Weekday != (int(d.Weekday())+6)%7 {
			t.Fatalf("SplitSerial(%d) = %+v, want %v", day, m, d)
		}
	}
}

func TestSerialOfNonsense(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e9} {
		if _, ok := SplitSerial(x); ok {
			t.Errorf("SplitSerial(%v) is a date", x)
		}
	}
	if x := DateSerial(math.MaxInt, 1, 1); !math.IsNaN(x) {
		t.Errorf("year of %d = %v", math.MaxInt, x)
	}
}
