package repository

import (
	"fmt"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// BenchmarkSync brings 50,000 users in line: new ones, the same ones, and with a
// tenth of them gone.
func BenchmarkSync(b *testing.B) {
	for _, driver := range storetest.Drivers {
		b.Run(driver, func(b *testing.B) {
			hall := &townHall{}
			repo, err := Open(b.Context(), Options{Store: storetest.Open(b, storetest.Config(b, driver)), Directories: hall})
			if err != nil {
				b.Fatal(err)
			}
			defer repo.Close()
			made, err := repo.Create(b.Context(), &service, repo.Schema().Type(directoryType), map[string]any{"name": "Hall", "type": "Town.Hall", "syncOnlyLoggedInUsers": false, "userDirectoryName": "TOWN"})
			if err != nil {
				b.Fatal(err)
			}
			people := make([]DirectoryUser, 50_000)
			for i := range people {
				people[i] = person(fmt.Sprint("user", i), fmt.Sprint("g", i%10_000), fmt.Sprint("h", i%100), "all")
			}
			for _, step := range []struct {
				name string
				list []DirectoryUser
				want Synced
			}{{"new", people, Synced{Added: len(people)}}, {"same", people, Synced{}}, {"gone", people[:45_000], Synced{Gone: 5000}}} {
				b.Run(step.name, func(b *testing.B) {
					hall.set(step.list...)
					for range b.N { // once: the next time nothing is left to do
						did, err := repo.SyncDirectory(b.Context(), text(made[0]["id"]))
						if err != nil || did.Added+did.Gone+did.Changed != step.want.Added+step.want.Gone {
							b.Fatal(did, err)
						}
					}
				})
			}
		})
	}
}
