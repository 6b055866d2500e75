package bench

// flights is three million flights with their airports.
var flights = dataset{
	script: `
Flights:
LOAD *, Year(date) AS year, Month(date) AS month, Floor(date) AS day, If(delay > 15, 'late', 'on time') AS class
FROM [lib://bench/flights-3m.parquet] (parquet);
Origins:
LOAD iata AS origin, name AS originName, city AS originCity, state AS originState
FROM [lib://bench/airports.csv] (txt, utf8, embedded labels, delimiter is ',', msq);
Destinations:
LOAD iata AS destination, name AS destinationName, city AS destinationCity, state AS destinationState
FROM [lib://bench/airports.csv] (txt, utf8, embedded labels, delimiter is ',', msq);
`,
	selections: []namedSelection{
		{"one state", []fieldSelection{{field: "originState", texts: []string{"TX"}}}},
		{"late to California", []fieldSelection{{field: "class", texts: []string{"late"}}, {field: "destinationState", texts: []string{"CA"}}}},
	},
	charts: []chart{
		{"delay by origin state", []string{"originState"}, []string{"Sum(delay)", "Count(delay)", "Avg(distance)"}},
		{"flights by month and class", []string{"month", "class"}, []string{"Count(distance)"}},
		{"late share by airport", []string{"originName"}, []string{"Count({<class={'late'}>} delay)/Count(delay)"}},
	},
	answers: map[string]string{
		"click one state":                  "143659 values possible",
		"click late to California":         "62984 values possible",
		"chart delay by origin state":      "52 rows, sums [20003603 3000000 32796]",
		"chart flights by month and class": "14 rows, sums [3000000]",
		"chart late share by airport":      "229 rows, sums [39]",
	},
}
