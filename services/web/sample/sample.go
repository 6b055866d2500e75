// Package sample is the sample app: three million real flights within the
// United States (npm package vega-datasets 3.2.1).
package sample

import _ "embed"

// Title is the title of the sample app.
const Title = "US flights"

// Script loads the app. Its data lie in the folder connection "vega".
//
//go:embed flights.qvs
var Script string
