complete -c pstack -f
complete -c pstack -s J -l json -d 'An object a line'
complete -c pstack -s R -l procfs -x -a '(__fish_complete_directories)' -d 'Read this procfs'
complete -c pstack -s T -l timeout -x -d 'Limit for one answer, in seconds'
complete -c pstack -s h -l help -d 'Usage'
complete -c pstack -s V -l version -d 'Version'
complete -c pstack -a '(__fish_complete_pids)' -d 'Process'
