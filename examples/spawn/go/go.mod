module example.org/tagout

go 1.19
