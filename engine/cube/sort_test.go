package cube_test

import (
	"context"
	"testing"

	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/enginetest"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// BenchmarkManyRows computes cubes of half a million rows, the first page of
// which a chart shows.
func BenchmarkManyRows(b *testing.B) {
	a := enginetest.Load(b, `T: LOAD RecNo() AS K, Mod(RecNo() * 7919, 1000) AS G, Mod(RecNo() * 104729, 100003) / 7 AS X AUTOGENERATE 500000;`)
	for _, tt := range []struct{ name, def string }{
		{"by measure", `{"qDimensions":[{"qDef":{"qFieldDefs":["K"]}}],
			"qMeasures":[{"qDef":{"qDef":"Sum(X)"},"qSortBy":{"qSortByNumeric":-1}}],"qInterColumnSortOrder":[1,0]}`},
		{"by value", `{"qDimensions":[{"qDef":{"qFieldDefs":["K"],"qSortCriterias":[{"qSortByNumeric":-1}]}}],
			"qMeasures":[{"qDef":{"qDef":"Sum(X)"}}]}`},
		{"by two dimensions", `{"qDimensions":[{"qDef":{"qFieldDefs":["G"],"qSortCriterias":[{"qSortByNumeric":1}]}},{"qDef":{"qFieldDefs":["K"],"qSortCriterias":[{"qSortByNumeric":-1}]}}],
			"qMeasures":[{"qDef":{"qDef":"Sum(X)"}}]}`},
	} {
		b.Run(tt.name, func(b *testing.B) {
			n, err := tree.ParseString(tt.def)
			if err != nil {
				b.Fatal(err)
			}
			def := cube.Parse(n, cube.Library{})
			for b.Loop() {
				c, err := cube.Compute(context.Background(), a.Session.Context(""), def, cube.Options{})
				if err != nil || c.Rows != 500000 {
					b.Fatal(err, c.Rows)
				}
			}
		})
	}
}
