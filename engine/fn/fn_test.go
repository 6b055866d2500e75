package fn

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

func testContext() *Context {
	now := time.Date(2024, 3, 5, 13, 30, 15, 0, time.UTC)
	return &Context{
		Locale: number.Default(),
		Now:    func() time.Time { return now },
		Rand:   func() float64 { return 0.25 },
		User:   "UserDirectory=DIR; UserId=jdoe",
	}
}

// TestFunctions checks what the conformance cases do not.
func TestFunctions(t *testing.T) {
	c := testContext()
	for _, tt := range []struct {
		expr string
		want any // nil, number, text, or a map of n and t
		why  string
	}{
		{"Floor(416.715, 0.01)", 416.71, "k*step"},
		{"Floor(0.3, 0.1)", 0.3, "the quotient is 2.9999999999999996"},
		{"Round(-2.5)", -2.0, "halves go up"},
		{"Frac(45356.25)", 0.25, ""},
		{"Log(-5)", nil, "outside the domain"},
		{"Asin(2)", nil, "outside the domain"},
		{"Sqrt(-1)", nil, "outside the domain"},
		{"Pow(2,0.5)", math.Sqrt2, ""},
		{"0*Null()", nil, "NULL propagates"},
		{"Null() <> 1", -1.0, "the one comparison that holds"},
		{"Null() = Null()", nil, "NULL op NULL"},
		{"'A' & Null()", "A", "NULL is empty in &"},
		{"'11' precedes '2'", -1.0, "text order"},
		{"'abc' < 'abd'", -1.0, "text order"},
		{"-7 bitand 3", 1.0, "two's complement"},
		{"1 << 64", 0.0, "shifted out"},
		{"Dual('A',1) + 1", 2.0, "number of a dual"},
		{"Len(Null())", 0.0, "as ''"},
		{"Mid('abc',5)", "", "past the end"},
		{"Left('äöü',2)", "äö", "characters, not bytes"},
		{"SubField('abc',';',1)", "abc", "one part"},
		{"SubField('a;;c',';',2)", "", "an empty part"},
		{"SubField('a;b',';',-3)", nil, "no such part"},
		{"Index('äbc','c')", 3.0, "characters, not bytes"},
		{"Capitalize('it''s o''neill')", "It's O'neill", ""},
		{"Replace('aaa','a','aa')", "aaaaaa", "not rescanned"},
		{"RGB(236,129,0)", map[string]any{"t": "RGB(236,129,0)", "n": 4293689600.0}, "seen in real files"},
		{"ARGB(128,1,2,3)", map[string]any{"t": "ARGB(128,1,2,3)", "n": 2147549699.0}, "alpha"},
		{"LightRed()", "RGB(255,0,0)", ""},
		{"HSL(0.33333333333,1,0.5)", "RGB(0,255,0)", ""},
		{"ColorMix1(0.5,Black(),White())", "RGB(128,128,128)", ""},
		{"Today()", map[string]any{"t": "2024-03-05", "n": 45356.0}, ""},
		{"Now()", "2024-03-05 13:30:15", ""},
		{"Year(Now())", 2024.0, ""},
		{"WeekDay(45356)", map[string]any{"t": "Tue", "n": 1.0}, ""},
		{"WeekName(45356)", map[string]any{"t": "2024/10", "n": 45355.0}, ""},
		{"DayNumberOfYear(MakeDate(2023,3,1))", 61.0, "the calendar has 366 days"},
		{"DayNumberOfYear(MakeDate(2024,1,1),4)", 276.0, "fiscal year from April"},
		{"DayNumberOfQuarter(MakeDate(2024,5,2))", 32.0, ""},
		{"YearStart(MakeDate(2024,2,1),0,4)", map[string]any{"t": "2023-04-01"}, "fiscal year"},
		{"MonthsName(2,MakeDate(2024,2,1))", "Jan-Feb 2024", ""},
		{"MonthEnd(MakeDate(2024,1,31),1)", 45352 - 1.0/86400000, "the last millisecond of February"},
		{"InMonths(3,MakeDate(2024,2,1),MakeDate(2024,3,1),0)", -1.0, ""},
		{"YearToDate(MakeDate(2024,3,5))", -1.0, "up to today"},
		{"YearToDate(MakeDate(2024,3,6))", 0.0, "after today"},
		{"YearToDate(MakeDate(2023,3,5),-1)", -1.0, "the year before"},
		{"LastWorkDate(MakeDate(2024,3,1),2)", "2024-03-04", "over a weekend"},
		{"FirstWorkDate(MakeDate(2024,3,4),2)", "2024-03-01", "over a weekend"},
		{"LastWorkDate(MakeDate(2024,3,1),3,MakeDate(2024,3,4))", "2024-03-06", "over a weekend and a holiday"},
		{"LastWorkDate(MakeDate(2024,3,2),1)", "2024-03-04", "starts on a Saturday"},
		{"FirstWorkDate(MakeDate(2024,3,5),6,MakeDate(2024,3,4))", "2024-02-26", "over a weekend and a holiday"},
		{"MakeWeekDate(2024,10,1)", "2024-03-05", ""},
		{"SetDateYear(MakeDate(2024,2,29),2023)", "2023-02-28", ""},
		{"ConvertToLocalTime('2024-03-05 12:00:00','GMT+01:00')", "2024-03-05 13:00:00", ""},
		{"IsJson('{\"a\":[1]}','object')", -1.0, ""},
		{"IsJson('{')", 0.0, ""},
		{"JsonGet('{\"a\":[1,\"x\"]}','/a/1')", "x", ""},
		{"JsonGet('{\"a\":[1,\"x\"]}','/b')", nil, "missing path"},
		{"JsonObject('a',1,'b','x')", `{"a":1,"b":"x"}`, ""},
		{"JsonSet('{\"a\":[1]}','/a/-',2,'/b','x')", `{"a":[1,2],"b":"x"}`, ""},
		{"ChiDist(8,15)", 0.9237827, "functions.tsv: 0.9238"},
		{"FDist(15,8,6)", 0.0019369, "functions.tsv"},
		{"TDist(1,30,2)", 0.3253086, "functions.tsv: 0.3253"},
		{"ChiInv(0.9237827,15)", 8.0, "inverse"},
		{"TInv(0.3253086,30)", 1.0, "inverse"},
		{"Round(FInv(0.0019369,8,6),0.001)", 15.0, "inverse"},
		{"NormDist(1.96)", 0.9750021, ""},
		{"NormInv(0.9750021,0,1)", 1.96, "inverse"},
		{"BinomDist(2,5,0.5)", 0.5, ""},
		{"BinomFrequency(2,5,0.5)", 0.3125, ""},
		{"BinomInv(0.5,5,0.5)", 2.0, ""},
		{"PoissonDist(2,3)", 0.4231901, ""},
		{"PoissonInv(0.42,3)", 2.0, ""},
		{"BetaDist(0.5,2,3)", 0.6875, ""},
		{"GammaDist(2,1,1)", 0.8646647, ""},
		{"Round(Rate(8,-2594.66,20000)*12,0.0001)", 0.1, "inverse of Pmt"},
		{"CountRegEx('a1b22','[0-9]+')", 2.0, ""},
		{"ExtractRegEx('a1b22','[0-9]+',-1)", "22", ""},
		{"ReplaceRegEx('a1b22','[0-9]+','#')", "a#b#", ""},
		{"ReplaceRegExGroup('k=v','(k)=(v)','x',2)", "k=x", ""},
		{"IsRegEx('(')", 0.0, ""},
		{"GeoMakePoint(1.5,2)", "[2,1.5]", "longitude first"},
		{"OSUser()", "UserDirectory=DIR; UserId=jdoe", ""},
		{"RangeFractile(0.5,1,2,3,4)", 2.5, ""},
		{"Len(Hash128('a'))&','&Len(Hash160('a'))&','&Len(Hash256('a'))", "22,27,43", ""},
		{"Hash128('a','bc') = Hash128('ab','c')", 0.0, ""},
		{"IsNum(Left('1abc',1))", -1.0, "texts made by functions are read"},
		{"Alt(SubField('5;6',';',2),0)", map[string]any{"t": "6", "n": 6.0}, "texts made by functions are read"},
		{"'18'&'01'", map[string]any{"t": "1801", "n": 1801.0}, "number-formatting 2"},
		{"TextBetween('2021-01-05','-','-')", map[string]any{"t": "01", "n": 1.0}, "number-formatting 2"},
		{"IsNum(Text('18'&'01'))", 0.0, "but not Text()"},
		{"ApplyCodepage('Ïðèâåò',1251)", "Привет", "read as Latin-1, meant as Cyrillic"},
		{"Chr(49)", map[string]any{"t": "1", "n": 1.0}, "s02"},
		{"Money(-1234.5)", "-$1,234.50", ""},
		{"Num(199,'(hex)')", "c7", ""},
		{"Num#('ff','(hex)') + 0", 255.0, ""},
	} {
		v := evalText(t, c, tt.expr)
		ok := agrees(c, v, tt.want)
		if want, isNum := tt.want.(float64); isNum {
			ok = v.HasNum() && near(v.Num, want, 1e-6)
		}
		if !ok {
			t.Errorf("%s = %+v (%q), want %v: %s", tt.expr, v, c.text(v), tt.want, tt.why)
		}
	}
}

func TestFormatsOfResults(t *testing.T) {
	c := testContext()
	for _, tt := range []struct {
		expr string
		want dual.Format
		why  string
	}{
		{"Year(45356)", *FormatInteger, "number-formatting 3"},
		{"Week(45356)", *FormatInteger, "number-formatting 3"},
		{"Round(2.5)", *FormatInteger, "whole step"},
		{"Round(0.126,0.00001)", dual.Format{Type: dual.Fix, Pattern: "###0.00000"}, "s02"},
		{"Mod(7,2)", *FormatCounter, "s05"},
		{"1+1", *FormatReal, "s03"},
		{"Date(1)", dual.Format{Type: dual.Date, Pattern: "YYYY-MM-DD"}, "s03"},
		{"Timestamp(1)", dual.Format{Type: dual.Timestamp, Pattern: c.Locale.TimestampFormat}, "s05"},
	} {
		if v := evalText(t, c, tt.expr); v.Format == nil || *v.Format != tt.want || v.HasText() {
			t.Errorf("%s = %+v with %+v, want %+v: %s", tt.expr, v, v.Format, tt.want, tt.why)
		}
	}
}

// strange are arguments that break careless functions.
var strange = []dual.Value{
	{},
	dual.String(""), dual.String("abc"), dual.String("2024-03-05"), dual.Number(0), dual.Number(-1),
	dual.Number(0.5), dual.Number(45356.75), dual.Number(1e300), dual.Number(-1e300), dual.Number(math.Inf(1)),
	dual.Number(math.MaxInt64), dual.Number(1e8), dual.New("x", 3), dual.String("[1,{\"a\":2}]"), dual.String("/0"),
	dual.String("\xff\xfe"), dual.Number(12), dual.Number(6),
}

// TestStrangeArguments: no function panics, runs long, or gives NaN.
func TestStrangeArguments(t *testing.T) {
	c := testContext()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range Names() {
		f := Lookup(name)
		argsMax := f.Max
		if argsMax < 0 {
			argsMax = f.Min + 3
		}
		start := time.Now()
		for range 300 {
			args := make([]dual.Value, f.Min+rng.IntN(argsMax-f.Min+1))
			for i := range args {
				args[i] = strange[rng.IntN(len(strange))]
			}
			v := f.Eval(c, args)
			if v.HasNum() && math.IsNaN(v.Num) {
				t.Errorf("%s(%v) is NaN", name, args)
			}
			c.text(v)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s: 300 calls take %v", name, d)
		}
	}
}

// TestFastPathAgrees: Num1 is what Eval does.
func TestFastPathAgrees(t *testing.T) {
	c := testContext()
	for _, name := range Names() {
		f := Lookup(name)
		if f.Num1 == nil {
			continue
		}
		for _, v := range strange {
			if !v.HasNum() {
				continue
			}
			want := f.Eval(c, []dual.Value{v})
			got := dual.Formatted(f.Num1(v.Num), f.Format)
			if got != want {
				t.Errorf("%s(%v): Num1 %+v, Eval %+v", name, v.Num, got, want)
			}
		}
	}
}

func TestOperatorsExist(t *testing.T) {
	for op := range strings.FieldsSeq("+ - * / & = <> < <= > >= like precedes follows and or xor bitand bitor bitxor << >>") {
		if Binary(op) == nil {
			t.Errorf("no operator %s", op)
		}
	}
	for op := range strings.FieldsSeq("+ - not bitnot") {
		if Unary(op) == nil {
			t.Errorf("no operator %s", op)
		}
	}
}

// slowMatch is the definition of a wildcard match.
func slowMatch(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	switch pattern[0] {
	case '*':
		return slowMatch(pattern[1:], text) || text != "" && slowMatch(pattern, text[1:])
	case '?':
		return text != "" && slowMatch(pattern[1:], text[1:])
	}
	return text != "" && strings.EqualFold(pattern[:1], text[:1]) && slowMatch(pattern[1:], text[1:])
}

func TestWildMatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	word := func(letters string) string {
		b := make([]byte, rng.IntN(8))
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return string(b)
	}
	for range 50000 {
		pattern, text := word("aB*?"), word("abA")
		if got, want := WildMatch(pattern, text), slowMatch(pattern, text); got != want {
			t.Fatalf("WildMatch(%q, %q) = %v", pattern, text, got)
		}
	}
	if !WildMatch("*ä?", "xÄö") {
		t.Error("letters beyond ASCII")
	}
	if WildMatch(strings.Repeat("a*", 500)+"b", strings.Repeat("a", 20000)) {
		t.Error("matched") // and above all: finished
	}
}
