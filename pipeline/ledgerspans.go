package pipeline

type spanMap struct{}
