package expr

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sameTree compares trees without offsets.
var sameTree = cmp.FilterPath(func(p cmp.Path) bool {
	f, ok := p.Last().(cmp.StructField)
	return ok && f.Name() == "At"
}, cmp.Ignore())

// corpus is valid chart expressions of every form; property and fuzz tests use it.
var corpus = []string{
	"1", "-1.5e3", ".5", "'it''s'", "[a]]b]", `"x y"`, "`x`", "åäö", "$cgId", "vX.Max", "@1", "Date#(a,'YYYY')",
	"=Sum(x)", "a+b*c-d/e", "(a+b)*c", "a-(b-c)", "a & b & c", "not a = b", "(not a)=b", "a and not b or c xor d",
	"-a*-b", "- -a", "bitnot a bitand b << 2", "a like 'x*' and b precedes c", "a<=b", "a<>b",
	"Count(*)", "Count(DISTINCT a)", "Count(distinct a&b)", "Sum(TOTAL a)", "Sum(TOTAL <A,[B c]> x)", "Sum({1} DISTINCT TOTAL <A> x)",
	"Sum(Total)", "Sum(Total*2)", "Sum(total<5)", "RowNo(TOTAL)", "Above(TOTAL Sum(x), 1, 3)", "If(a,b,c)", "Now()",
	"Sum({$} x)", "Sum({$1} x)", "Sum({$_2} x)", "Sum({0} x)", "Sum({BM01} x)", "Sum({[my set]} x)", "Sum({'my set'} x)",
	"Sum({1-$} x)", "Sum({S1*S2+S3/S4} x)", "Sum({-(S1+S2)} x)", "Sum({} x)", "Sum({$<>} x)",
	"Sum({<Year=>} x)", "Sum({<Year>} x)", "Sum({<Year={2020}>} x)", "Sum({1<Year={2020,2021}, Country={norway}>} x)",
	"Sum({<C={'x','y z'}>} x)", `Sum({<C={"*a*", [b*]}>} x)`, "Sum({<C={*}>} x)", "Sum({<C={}>} x)", `Sum({<C={"=Sum(A)>75"}>} x)`,
	"Sum({<C+={a}>} x)", "Sum({<C-={a}>} x)", "Sum({<C*={a}>} x)", "Sum({<C/={a}>} x)",
	"Sum({<C=D>} x)", "Sum({<C=S1::D>} x)", "Sum({<S1::C={a}>} x)", "Sum({<C=D+{x}-P({1<H={y}>} F)>} x)", "Sum({<C=E({1<B={2}>})>} x)",
	"Sum({<C=-{a}*(D+E)>} x)", "Sum({<C=P()>} x)", "Sum({<A={1}>*<B={2}>} x)", "Sum({<A={-1.5}>} x)", "Sum({<A={>=2}>} x)",
	"Sum({<[a b]={x}>+$<c=>} x)", "{<Year={2021}>} Sum(A)/Sum({1<P={A}>} B)", "({<Y={1}>} [M]) + 2", "{1} {<Y={2}>} x",
	"Aggr(Sum(x),A,B)", "Aggr(NODISTINCT Sum(x),A)", "Max(Aggr(Sum(x),(A,(NUMERIC,ASCENDING)),B))", "Aggr({1} x,(A,(TEXT,DESC)))",
	"Aggr(x,(A,(LOAD_ORDER)))", "Aggr(x,(A,(TEXT,Z->A)))", "a /* c */ + // d\n b", "2nd + 1",
}

func TestParseTree(t *testing.T) {
	for _, tt := range []struct{ src, want, why string }{
		{"a+b*c", "a + b * c", "* binds stronger than +"},
		{"a-b-c", "a - b - c", "left to right"},
		{"a-(b-c)", "a - (b - c)", "brackets on the right stay"},
		{"a & b + c", "a & b + c", "+ binds stronger than &"},
		{"(a & b) + c", "(a & b) + c", "as above"},
		{"a bitand b = c", "a bitand b = c", "bit operators bind stronger than comparison"},
		{"a or b and c", "a or b and c", "and binds stronger than or"},
		{"NOT a LIKE 'x'", "not (a like 'x')", "not negates the comparison (script-truth s07)"},
		{"not a and b", "(not a) and b", "not binds stronger than and"},
		{"-a*b", "(-a) * b", "unary minus binds strongest"},
		{"=a", "a", "a chart expression may start with ="},
		{"Sum(Total)", "Sum(Total)", "a field called Total"},
		{"Sum(TOTAL x)", "Sum(TOTAL x)", "the qualifier"},
		{"Sum(TOTAL <A> x)", "Sum(TOTAL <[A]> x)", "the qualifier with fields"},
		{"Sum(Total<5)", "Sum(Total < 5)", "a comparison of a field"},
		{"RowNo(TOTAL)", "RowNo(TOTAL )", "TOTAL without argument"},
		{"Sum({<Y={2020}>} x)", "Sum({<[Y]={2020}>} x)", "modifier without entity"},
		{"Sum({A*B+C} x)", "Sum({[A] * [B] + [C]} x)", "* binds stronger than + in sets"},
		{"Sum({<F={a b, 'c', \"d*\"}>} x)", `Sum({<[F]={a b, 'c', "d*"}>} x)`, "kinds of elements"},
		{"Aggr(x,(D,(NUM,REVERSE)))", "Aggr(x, (D, (NUMERIC, DESCENDING)))", "shortened sort words"},
	} {
		n, err := Parse(tt.src, Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.src, err)
			continue
		}
		if got := String(n); got != tt.want {
			t.Errorf("%s: got %s, want %s: %s", tt.src, got, tt.want, tt.why)
		}
	}
}

func TestStringParsesBack(t *testing.T) {
	for _, src := range corpus {
		checkRoundTrip(t, src)
	}
}

func checkRoundTrip(t *testing.T, src string) {
	t.Helper()
	n, err := Parse(src, Options{})
	if err != nil {
		t.Errorf("%s: %v", src, err)
		return
	}
	text := String(n)
	again, err := Parse(text, Options{})
	if err != nil {
		t.Errorf("%q prints as %q: %v", src, text, err)
		return
	}
	if d := cmp.Diff(n, again, sameTree); d != "" && String(again) != text {
		t.Errorf("%q prints as %q, which is another tree:\n%s", src, text, d)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		src string
		at  int
	}{
		{"", 0},
		{"1 +", 3},
		{"(a", 2},
		{"a b", 2},
		{"Sum(a", 5},
		{"'abc", 0},
		{"a ^ b", 2},
		{"Sum({<A={x>} y)", 13},
		{"Sum({2} y)", 5},
		{"/* a", 0},
		{strings.Repeat("(", 2000) + "1", 499},
		{strings.Repeat("-", 5000) + "1", 0},
	} {
		n, err := Parse(tt.src, Options{})
		var e *Error
		if !errors.As(err, &e) || n != nil {
			t.Errorf("%.40q: got %v, %v; want an error", tt.src, n, err)
		} else if len(tt.src) < 100 && e.At != tt.at {
			t.Errorf("%.40q: error %v at %d, want %d", tt.src, err, e.At, tt.at)
		}
	}
	if _, err := Parse("Sum({1} x)", Options{Script: true}); err == nil {
		t.Error("a script accepted a set expression")
	}
}

func TestParsePrefix(t *testing.T) {
	src := "LOAD a+1 as b"
	n, end, err := ParsePrefix(src, 4, Options{Script: true})
	if err != nil || String(n) != "a + 1" || src[4:end] != " a+1" {
		t.Fatalf("got %v, %q, %v", n, src[4:end], err)
	}
}

func TestFields(t *testing.T) {
	n, err := Parse("Sum({<A={1},B=P({<C=D>} E)>} x*[y z]) + x + Max(Aggr(z,q))", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"x", "y z", "z", "q"}, Fields(n)); d != "" {
		t.Error(d)
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range corpus {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		n, err := Parse(src, Options{MaxDepth: 100})
		if err != nil {
			return
		}
		text := String(n)
		again, err := Parse(text, Options{MaxDepth: 1000})
		if err != nil {
			t.Fatalf("%q prints as %q: %v", src, text, err)
		}
		if s := String(again); s != text {
			t.Fatalf("%q prints as %q, then as %q", src, text, s)
		}
	})
}
