package main

import (
	"os"
	"strings"
	"testing"
)

func TestEachVerbStandsInTheFileOfItsName(t *testing.T) {
	for _, cmd := range (&app{}).verbs() {
		if strings.Contains(cmd.Short, "not served by this build") {
			continue
		}
		text, err := os.ReadFile(cmd.Name() + ".go")
		if err != nil || !strings.Contains(string(text), "func (a *app) "+cmd.Name()+"Command() ") {
			t.Errorf("%s.go does not declare the verb: %v", cmd.Name(), err)
		}
	}
}
