package ldap_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/directory/ldap/ldaptest"
)

// BenchmarkRead reads 50,000 people in 10,000 groups of 20, every second of them
// in another one, and one person of them.
func BenchmarkRead(b *testing.B) {
	const people, groups, members = 50_000, 10_000, 20
	var ldif strings.Builder
	ldif.WriteString(top)
	for i := range people {
		fmt.Fprintf(&ldif, "dn: uid=u%d,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: u%[1]d\ncn: User %[1]d\nsn: U\nmail: u%[1]d@example.com\n\n", i)
	}
	for i := range groups {
		fmt.Fprintf(&ldif, "dn: cn=g%d,dc=example,dc=com\nobjectClass: groupOfNames\ncn: g%[1]d\n", i)
		for j := range members {
			fmt.Fprintf(&ldif, "member: uid=u%d,dc=example,dc=com\n", (i*members+j)%people)
		}
		if i%2 == 0 {
			fmt.Fprintf(&ldif, "member: cn=g%d,dc=example,dc=com\n", i+1)
		}
		ldif.WriteString("\n")
	}
	s := ldaptest.Start(b, ldif.String())
	with := settings(s, nil)
	for _, ids := range [][]string{nil, {"U777"}} {
		b.Run(fmt.Sprint("all=", ids == nil), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				got, err := ask(b, with, ids)
				if err != nil || ids == nil && len(got.List) != people || ids != nil && len(got.List) != 1 {
					b.Fatal(err)
				}
				attributes := 0
				for i := range got.List {
					attributes += len(got.List[i].Attributes)
				}
				if want := people + groups*members + groups/2*members; ids == nil && attributes != want {
					b.Fatalf("%d attributes, want %d", attributes, want)
				}
				b.StopTimer()
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-kept")
				runtime.KeepAlive(got)
				b.StartTimer()
			}
		})
	}
}
