package bench

// A starInput names the generated tables of the Star Schema Benchmark.
type starInput struct {
	scaleFactor float64
	seed        uint64
}

// starAnswers are what SQLite 3.40 computes from the tables that package ssb
// writes; those of the flights are checked the same way. TestAnswers compares
// other scales with nested loops.
//
// The possible values of a click were counted per field: over the sales that
// meet the selection, over the rows of the dimensions that such sales refer to,
// and, where only one dimension is selected in, over all of its selected rows.
var starAnswers = map[starInput]map[string]string{
	{0.1, 1}: {
		"chart Q1.1":                 "1 rows, sums [42396392236]",
		"chart Q1.2":                 "1 rows, sums [9503665695]",
		"chart Q1.3":                 "1 rows, sums [2206366015]",
		"chart Q2.1":                 "280 rows, sums [17077525312]",
		"chart Q2.2":                 "56 rows, sums [2423914292]",
		"chart Q2.3":                 "7 rows, sums [378063470]",
		"chart Q3.1":                 "150 rows, sums [59250672912]",
		"chart Q3.2":                 "398 rows, sums [3830429973]",
		"chart Q3.3":                 "12 rows, sums [98202701]",
		"chart Q3.4":                 "0 rows, sums [0]",
		"chart Q4.1":                 "35 rows, sums [32160349578]",
		"chart Q4.2":                 "100 rows, sums [7826310280]",
		"chart Q4.3":                 "50 rows, sums [159070080]",
		"chart by month, 3 measures": "80 rows, sums [2052350277877 400 111161]",
		"click S1":                   "72154 values possible",
		"click S2":                   "295801 values possible",
		"click S3":                   "102082 values possible",
		"click S4":                   "604434 values possible",
		"click S5":                   "8086 values possible",
	},
	{1, 1}: {
		"chart Q1.1":                 "1 rows, sums [446745249772]",
		"chart Q1.2":                 "1 rows, sums [96132919882]",
		"chart Q1.3":                 "1 rows, sums [27722268192]",
		"chart Q2.1":                 "280 rows, sums [175928820577]",
		"chart Q2.2":                 "56 rows, sums [33728846520]",
		"chart Q2.3":                 "7 rows, sums [3855459223]",
		"chart Q3.1":                 "150 rows, sums [789109184307]",
		"chart Q3.2":                 "600 rows, sums [34572367749]",
		"chart Q3.3":                 "24 rows, sums [1266419378]",
		"chart Q3.4":                 "1 rows, sums [1257732]",
		"chart Q4.1":                 "35 rows, sums [342541408304]",
		"chart Q4.2":                 "100 rows, sums [82335914971]",
		"chart Q4.3":                 "361 rows, sums [1633920011]",
		"chart by month, 3 measures": "80 rows, sums [21799273328337 400 1111687]",
		"click S1":                   "603284 values possible",
		"click S2":                   "2534332 values possible",
		"click S3":                   "940311 values possible",
		"click S4":                   "5090563 values possible",
		"click S5":                   "57033 values possible",
	},
}
