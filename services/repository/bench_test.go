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
			streams := fill(b, repo, "Stream", 200, func(i int) map[string]any { return map[string]any{"name": fmt.Sprint("stream ", i)} })
			fill(b, repo, "SystemRule", len(streams), func(i int) map[string]any {
				return map[string]any{
					"name": fmt.Sprint("rule ", i), "category": "Security", "type": "Custom", "actions": 2, "resourceFilter": "Stream_" + streams[i],
					"rule": fmt.Sprintf(`user.group = "g%d" or user.userId = "%s"`, i, []string{"u0", "no"}[min(i%10, 1)]),
				}
			})
			fill(b, repo, "User", 1, func(int) map[string]any {
				return map[string]any{"userDirectory": "DOM", "userId": "u0", "name": "u0", "removedExternally": false, "blacklisted": false}
			})
			fill(b, repo, "App", 10_000, func(i int) map[string]any {
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

// BenchmarkListBehind lists the apps that rules on their owner or stream let a
// user read, of 50,000 with 5,000 owners and streams, nothing kept.
func BenchmarkListBehind(b *testing.B) {
	const apps, others = 50_000, 5_000
	for _, driver := range storetest.Drivers {
		b.Run(driver, func(b *testing.B) {
			repo, err := Open(b.Context(), Options{Store: storetest.Open(b, storetest.Config(b, driver))})
			if err != nil {
				b.Fatal(err)
			}
			defer repo.Close()
			x := fill(b, repo, "CustomPropertyDefinition", 1, func(int) map[string]any {
				return map[string]any{"name": "x", "valueType": "Text", "choiceValues": []any{"a", "b"}, "objectTypes": []any{"User"}}
			})
			users := fill(b, repo, "User", others, func(i int) map[string]any {
				value := map[string]any{"value": []string{"a", "b"}[min(i%100, 1)], "definition": ref(x[0])}
				return map[string]any{"userDirectory": "DOM", "userId": fmt.Sprint("u", i), "name": "u", "removedExternally": false, "blacklisted": false, "customProperties": []any{value}}
			})
			streams := fill(b, repo, "Stream", others, func(i int) map[string]any {
				return map[string]any{"name": fmt.Sprint("stream ", i), "owner": ref(users[i*7%others])}
			})
			fill(b, repo, "App", apps, func(i int) map[string]any {
				return map[string]any{"name": fmt.Sprintf("app %05d", i), "owner": ref(users[i%others]), "stream": ref(streams[i*3%others])}
			})
			for _, rule := range []struct {
				name, condition string
				want            int
			}{
				{"owner", `resource.owner.@x = "a"`, 500},
				{"stream", `resource.stream.name = {"stream 6", "stream 66", "stream 666"}`, 30},
				{"owner of stream", `resource.stream.owner.@x = "a"`, 500},
			} {
				b.Run(rule.name, func(b *testing.B) {
					made := fill(b, repo, "SystemRule", 1, func(int) map[string]any {
						return map[string]any{"name": "r", "category": "Security", "type": "Custom", "actions": 2, "resourceFilter": "App_*", "rule": rule.condition}
					})
					c := &Caller{Directory: "DOM", ID: "u1", Context: rules.ContextConsole}
					best := time.Duration(math.MaxInt64)
					for b.Loop() {
						repo.ResetRules("measured anew")
						start := time.Now()
						n, err := repo.Count(b.Context(), c, repo.Schema().Type("App"), Query{Filter: "name sw 'app'"})
						// He owns as many apps as are in the stream that he owns.
						if own := 2 * apps / others; err != nil || n != rule.want+own {
							b.Fatalf("%d apps, %v", n, err)
						}
						best = min(best, time.Since(start))
					}
					b.ReportMetric(best.Seconds()*1000, "best-ms")
					if err := repo.Delete(b.Context(), &service, repo.Schema().Type("SystemRule"), made...); err != nil {
						b.Fatal(err)
					}
				})
			}
		})
	}
}

func fill(b testing.TB, repo *Repository, typ string, n int, doc func(i int) map[string]any) (ids []string) {
	b.Helper()
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
