package repository_test

import (
	"fmt"
	"testing"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// BenchmarkHubList lists the apps of a user who sees a tenth of 10,000, in 200
// streams, by 200 rules beside those of every site: with nothing known of him,
// and again.
func BenchmarkHubList(b *testing.B) {
	for _, driver := range storetest.Drivers {
		b.Run(driver, func(b *testing.B) {
			repo, err := repository.Open(b.Context(), repository.Options{Store: storetest.Open(b, storetest.Config(b, driver))})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(repo.Close)
			ann := &repository.Caller{Directory: "DOM", ID: "ann", Context: rules.ContextHub}
			apps := manyApps(b, repo, ann)
			for _, known := range []string{"cold", "warm"} {
				b.Run(known, func(b *testing.B) {
					for b.Loop() {
						if known == "cold" {
							b.StopTimer()
							repo.ResetRules("benchmark")
							b.StartTimer()
						}
						found, err := repo.Condensed(b.Context(), ann, repo.Schema().Type("App"), repository.Query{OrderBy: "name", Take: 100})
						if err != nil || len(found) != min(100, apps) {
							b.Fatal(len(found), err)
						}
					}
				})
			}
		})
	}
}

// manyApps makes streams, rules and apps, and returns how many the user sees.
func manyApps(b *testing.B, repo *repository.Repository, ann *repository.Caller) (seen int) {
	b.Helper()
	service := repository.Service("api")
	if _, _, err := repo.LogIn(b.Context(), ann, ""); err != nil {
		b.Fatal(err)
	}
	create := func(typ string, docs []map[string]any) []map[string]any {
		b.Helper()
		made, err := repo.Create(b.Context(), &service, repo.Schema().Type(typ), docs...)
		if err != nil {
			b.Fatal(err)
		}
		return made
	}
	const streams, apps = 200, 10_000
	var docs []map[string]any
	for i := range streams {
		docs = append(docs, map[string]any{"name": fmt.Sprint("stream ", i)})
	}
	made := create("Stream", docs)
	docs = nil
	for i, s := range made {
		who := "someone else"
		if i%10 == 0 {
			who = "ann"
		}
		docs = append(docs, map[string]any{
			"name": fmt.Sprint("rule ", i), "category": "Security", "type": "Custom", "actions": 2, "resourceFilter": fmt.Sprintf("Stream_%s", s["id"]),
			"rule": fmt.Sprintf(`user.userId = "%s" or user.group = "g%d"`, who, i), "ruleContext": 0,
		})
	}
	create("SystemRule", docs)
	docs = nil
	for i := range apps {
		docs = append(docs, map[string]any{"name": fmt.Sprint("app ", i), "published": true, "stream": map[string]any{"id": made[i%streams]["id"]}})
		if i%streams%10 == 0 {
			seen++
		}
	}
	create("App", docs)
	return seen
}
