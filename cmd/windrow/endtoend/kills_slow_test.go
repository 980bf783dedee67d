//go:build slow

package endtoend

// randomKills is how many runs the random kill test kills.
const randomKills = 200
