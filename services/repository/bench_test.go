package repository

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// BenchmarkHubList lists the 1,000 apps of 10,000 that a user may read, with the
// decisions known.
func BenchmarkHubList(b *testing.B) {
	for _, driver := range storetest.Drivers {
		b.Run(driver, func(b *testing.B) {
			repo, err := Open(b.Context(), Options{Store: storetest.Open(b, storetest.Config(b, driver))})
			if err != nil {
				b.Fatal(err)
			}
			defer repo.Close()
			create := func(typ string, n int, doc func(i int) map[string]any) (ids []string) {
				docs := make([]map[string]any, n)
				for i := range docs {
					docs[i] = doc(i)
				}
				made, err := repo.Create(b.Context(), &service, repo.Schema().Type(typ), docs...)
				if err != nil {
					b.Fatal(err)
				}
				for _, m := range made {
					ids = append(ids, m["id"].(string))
				}
				return ids
			}
			streams := create("Stream", 200, func(i int) map[string]any { return map[string]any{"name": fmt.Sprint("stream ", i)} })
			create("SystemRule", len(streams), func(i int) map[string]any {
				return map[string]any{
					"name": fmt.Sprint("rule ", i), "category": "Security", "type": "Custom", "actions": 2, "resourceFilter": "Stream_" + streams[i],
					"rule": fmt.Sprintf(`user.group = "g%d" or user.userId = "%s"`, i, []string{"u0", "no"}[min(i%10, 1)]),
				}
			})
			create("User", 1, func(int) map[string]any {
				return map[string]any{"userDirectory": "DOM", "userId": "u0", "name": "u0", "removedExternally": false, "blacklisted": false}
			})
			create("App", 10_000, func(i int) map[string]any {
				return map[string]any{"name": fmt.Sprintf("app %05d", i), "published": true, "stream": ref(streams[i%len(streams)])}
			})
			c := &Caller{Directory: "DOM", ID: "u0", Context: rules.ContextHub}
			best := time.Duration(math.MaxInt64)
			for b.Loop() {
				start := time.Now()
				found, err := repo.Condensed(b.Context(), c, repo.Schema().Type("App"), Query{OrderBy: "name"})
				if err != nil || len(found) != 1000 {
					b.Fatalf("%d apps, %v", len(found), err)
				}
				best = min(best, time.Since(start))
			}
			b.ReportMetric(best.Seconds()*1000, "best-ms")
		})
	}
}
