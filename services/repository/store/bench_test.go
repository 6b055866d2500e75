package store_test

import (
	"fmt"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// BenchmarkList lists the apps of one stream of a hundred, and counts those
// whose name has a word, among 10,000.
func BenchmarkList(b *testing.B) {
	const apps, streams = 10_000, 100
	for _, driver := range storetest.Drivers {
		b.Run(driver, func(b *testing.B) {
			s := storetest.Open(b, storetest.Config(b, driver))
			fillApps(b, s, apps, streams)
			inStream := store.Query{Where: where(b, "stream.name eq 'Stream 7'")}
			b.Run("stream", func(b *testing.B) {
				for b.Loop() {
					list, err := s.List(b.Context(), "App", inStream)
					if err != nil || len(list) != apps/streams {
						b.Fatalf("%d apps, %v", len(list), err)
					}
				}
				b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms")
			})
			named := store.Query{Where: where(b, "name so 'pp 77'")}
			b.Run("name", func(b *testing.B) {
				for b.Loop() {
					if n, err := s.Count(b.Context(), "App", named); err != nil || n != 111 {
						b.Fatalf("%d apps, %v", n, err)
					}
				}
				b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms")
			})
		})
	}
}

func fillApps(b *testing.B, s *store.Store, apps, streams int) {
	b.Helper()
	u := newUser(b, s, "anna")
	err := s.Tx(b.Context(), func(tx *store.Tx) error {
		list := make([]*store.Entity, streams)
		for i := range list {
			var err error
			if list[i], err = tx.Create(b.Context(), "Stream", doc{"name": fmt.Sprintf("Stream %d", i), "owner": ref(u)}); err != nil {
				return err
			}
		}
		for i := range apps {
			if _, err := tx.Create(b.Context(), "App", doc{"name": fmt.Sprintf("App %d", i), "owner": ref(u), "stream": ref(list[i%streams])}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
